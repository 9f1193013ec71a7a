/** The starter's architectures: SD 1's, made small. What differs from SD 1 is written into the file's metadata. */
import type {
  ClipTextConfig,
  ClipVisionConfig,
  ControlNetConfig,
  SrvggConfig,
  UnetConfig,
  VaeConfig,
} from '../../../native-models/models/configs.ts';

/** Pixels a side of every picture the models are trained on. */
export const PICTURE_SIZE = 128;
/** Picture size / 8. */
export const LATENT_SIZE = PICTURE_SIZE / 8;

/** Settings under which the checkpoint paints well; all its figures are measured under them. */
export const STARTER_DEFAULTS = { steps: 20, guidanceScale: 4, width: PICTURE_SIZE, height: PICTURE_SIZE };

export const STARTER_VAE: VaeConfig = {
  imageChannels: 3,
  channels: 16,
  channelMult: [1, 2, 4, 8],
  numResBlocks: 1,
  zChannels: 4,
  embedDim: 4,
  // Latents are whitened inside quant_conv, so the U-Net takes them as they are.
  scalingFactor: 1,
  normGroups: 8,
};

export const STARTER_TEXT: ClipTextConfig = {
  width: 128,
  layers: 2,
  heads: 4,
  mlpWidth: 512,
  activation: 'quick_gelu',
  vocabSize: 49408,
  contextLength: 77,
  projection: null,
  padding: 'end',
  defaultClipSkip: 1,
  normalizeHidden: true,
};

export const STARTER_VISION: ClipVisionConfig = {
  imageSize: PICTURE_SIZE,
  patchSize: 16,
  width: 128,
  layers: 2,
  heads: 4,
  mlpWidth: 256,
  activation: 'quick_gelu',
  projection: { width: 128, layout: 'linear' },
};

export const STARTER_UNET: UnetConfig = {
  inChannels: 4,
  outChannels: 4,
  modelChannels: 64,
  channelMult: [1, 2, 2],
  numResBlocks: [1, 1, 1],
  inputDepths: [0, 1, 1],
  middleDepth: 1,
  outputDepths: [1, 1, 1, 1, 0, 0],
  contextDim: 128,
  heads: { channels: 32 },
  useLinearProjection: false,
  admChannels: 0,
  normGroups: 32,
};

/** Sees edges of the picture's own size; its encoder starts as the U-Net's. */
export const STARTER_CONTROL: ControlNetConfig = {
  inChannels: STARTER_UNET.inChannels,
  modelChannels: STARTER_UNET.modelChannels,
  channelMult: STARTER_UNET.channelMult,
  numResBlocks: STARTER_UNET.numResBlocks,
  inputDepths: STARTER_UNET.inputDepths,
  middleDepth: STARTER_UNET.middleDepth,
  contextDim: STARTER_UNET.contextDim,
  heads: STARTER_UNET.heads,
  useLinearProjection: STARTER_UNET.useLinearProjection,
  admChannels: STARTER_UNET.admChannels,
  normGroups: STARTER_UNET.normGroups,
  hintChannels: 3,
  hintWidths: [16, 16, 32, 32, 48, 48, 64],
};

export const STARTER_UPSCALER: SrvggConfig = {
  kind: 'srvgg',
  imageChannels: 3,
  features: 32,
  convs: 6,
  scale: 4,
};
