/**
 * What distinguishes one architecture from another, as plain values: channel counts, depths, heads, factors.
 * Everything a graph builder needs besides the weights; inferred from a file by inspect/architecture.ts.
 */

/** Which family of models a file belongs to; LoRA, ControlNet and checkpoint must agree on it. */
export type Architecture = 'sd15' | 'sd21' | 'sdxl';

/** What the U-Net's raw output means: the noise, or v = α·noise − σ·image (Salimans & Ho 2022, §4). */
export type PredictionType = 'eps' | 'v';

/**
 * An LDM U-Net (Rombach et al. 2022, `openaimodel.py`).
 * Levels run from full latent size downwards. Depth lists count transformer layers, one entry per residual block,
 * 0 where the block has no attention: `inputDepths` in the order of input_blocks (without conv_in and the
 * downsamplers), `outputDepths` in the order of output_blocks.
 */
export interface UnetConfig {
  /** 4 latent channels; 9 = inpaint (latent, mask, masked latent); 8 = instruct-pix2pix; 5 = depth. */
  readonly inChannels: number;
  readonly outChannels: number;
  /** Channels at level 0; the time embedding is four times as wide. */
  readonly modelChannels: number;
  readonly channelMult: readonly number[];
  /** Residual blocks per level on the way down; the way up has one more. */
  readonly numResBlocks: readonly number[];
  readonly inputDepths: readonly number[];
  /** Transformer layers in the middle; 0 = a single residual block and nothing else (SSD-1B, Vega). */
  readonly middleDepth: number;
  readonly outputDepths: readonly number[];
  /** Width of the text embedding that cross-attention reads. */
  readonly contextDim: number;
  readonly heads: AttentionHeads;
  /** proj_in/proj_out are [C, C] linears (SD2, SDXL), not [C, C, 1, 1] convolutions (SD1). */
  readonly useLinearProjection: boolean;
  /** Width of the vector y given to label_emb (SDXL: pooled text and sizes); 0 = there is none. */
  readonly admChannels: number;
  readonly normGroups: number;
}

/** SD1 keeps the number of heads and lets their width vary with the level; SD2 and SDXL keep the width. */
export type AttentionHeads = { readonly count: number } | { readonly channels: number };

/** How many attention heads a layer of `channels` channels has. */
export function headCount(heads: AttentionHeads, channels: number): number {
  return 'count' in heads ? heads.count : channels / heads.channels;
}

/** The control half of a U-Net (Zhang et al. 2023): encoder and middle, plus a hint encoder and zero convolutions. */
export interface ControlNetConfig extends Omit<UnetConfig, 'outChannels' | 'outputDepths'> {
  /** Channels of the hint image, 3. */
  readonly hintChannels: number;
  /** Output channels of the hint encoder's convolutions before the last (16, 16, 32, 32, 96, 96, 256). */
  readonly hintWidths: readonly number[];
}

/** A T2I-Adapter (Mou et al. 2023), the "full" kind: features of a hint image, one per level, that join the U-Net's encoder. */
export interface T2iAdapterConfig {
  /** 3 reads colours, 1 their mean. */
  readonly hintChannels: number;
  /** Pixel-unshuffle before the first convolution: 8 (SD 1.x, 2.x) or 16 (SDXL). */
  readonly unshuffle: number;
  /** Channels of every level. */
  readonly channels: readonly number[];
  /** The levels that begin by halving the size. */
  readonly halvingLevels: readonly number[];
  readonly blocksPerLevel: number;
  /** Side of the kernels that only mix channels: 1, or 3 in early files. */
  readonly kernel: number;
}

/** The KL autoencoder (Rombach et al. 2022, `autoencoder.py`): [B, 3, H, W] in −1…1 ↔ [B, zChannels, H/8, W/8]. */
export interface VaeConfig {
  readonly imageChannels: number;
  /** Channels at full size; level i has channels · channelMult[i]. */
  readonly channels: number;
  readonly channelMult: readonly number[];
  /** Residual blocks per level of the encoder; the decoder has one more. */
  readonly numResBlocks: number;
  readonly zChannels: number;
  /** Channels between quant_conv and post_quant_conv: what the U-Net sees. */
  readonly embedDim: number;
  /** The U-Net's latent = encoded latent × scalingFactor. */
  readonly scalingFactor: number;
  readonly normGroups: number;
  /** Latent → rough colours for previews; families share theirs, a model of its own brings one. */
  readonly latentToRgb?: LatentToRgb;
}

/** One row per latent channel: red, green, blue in −1…1; then the offset. */
export interface LatentToRgb {
  readonly matrix: readonly (readonly [number, number, number])[];
  readonly offset: readonly [number, number, number];
}

export type ClipActivation = 'quick_gelu' | 'gelu';

/**
 * A CLIP text transformer (Radford et al. 2021), OpenAI's or OpenCLIP's.
 * Its last two token ids are start (vocabSize − 2) and end (vocabSize − 1).
 */
export interface ClipTextConfig {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly mlpWidth: number;
  /** OpenAI trained with x·sigmoid(1.702 x), OpenCLIP with the exact gelu. */
  readonly activation: ClipActivation;
  readonly vocabSize: number;
  /** Tokens per chunk including start and end: 77. */
  readonly contextLength: number;
  readonly projection: ClipProjection | null;
  /** What fills a chunk after the end token: the end token again, or id 0. */
  readonly padding: 'end' | 'zero';
  /** The layer that feeds the U-Net when nobody asks for another: 1 = the last, 2 = the one before. */
  readonly defaultClipSkip: number;
  /** Whether final_layer_norm is applied to that layer (SD1, SD2) or not (SDXL). */
  readonly normalizeHidden: boolean;
}

/** The pooled output's last matrix: 'linear' is stored [width out, width in], 'matrix' [in, out] (OpenCLIP, x @ P). */
export interface ClipProjection {
  readonly width: number;
  readonly layout: 'linear' | 'matrix';
}

/** How OpenAI normalised CLIP's pictures: (p − mean) / deviation of p in 0–1, for red, green, blue. */
export const CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073] as const;
export const CLIP_DEVIATION = [0.26862954, 0.26130258, 0.27577711] as const;

/** A CLIP image transformer: [B, 3, imageSize, imageSize], normalised → embedding [B, projection.width]. */
export interface ClipVisionConfig {
  readonly imageSize: number;
  readonly patchSize: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly mlpWidth: number;
  readonly activation: ClipActivation;
  readonly projection: ClipProjection | null;
}

/** An upscaler of the ESRGAN family. `scale` is the real one: output pixels per input pixel. */
export type EsrganConfig = RrdbConfig | SrvggConfig;

/** RRDBNet (Wang et al. 2018): dense residual blocks, then `upsamples` times ×2. scale = 2^upsamples / unshuffle. */
export interface RrdbConfig {
  readonly kind: 'rrdb';
  readonly imageChannels: number;
  readonly features: number;
  readonly blocks: number;
  readonly growth: number;
  /** Pixel-unshuffle before the first convolution: 1, 2 or 4; picture sides must be multiples of it. */
  readonly unshuffle: number;
  readonly upsamples: number;
  readonly scale: number;
}

/** SRVGGNetCompact (Real-ESRGAN): plain convolutions, PReLU, one pixel-shuffle. `convs` lie between first and last. */
export interface SrvggConfig {
  readonly kind: 'srvgg';
  readonly imageChannels: number;
  readonly features: number;
  readonly convs: number;
  readonly scale: number;
}

/** A whole text-to-image model. SDXL has two text encoders, in the order in which their outputs are concatenated. */
export interface CheckpointConfig {
  readonly architecture: Architecture;
  readonly predictionType: PredictionType;
  /** Trained on noise levels that end in pure noise (Lin et al. 2024); its walks begin there. */
  readonly zeroTerminalSnr: boolean;
  readonly unet: UnetConfig;
  readonly vae: VaeConfig;
  readonly textEncoders: readonly ClipTextConfig[];
}

/** OpenAI CLIP ViT-L/14's text half, as SD 1.x uses it. */
export const CLIP_L: ClipTextConfig = {
  width: 768,
  layers: 12,
  heads: 12,
  mlpWidth: 3072,
  activation: 'quick_gelu',
  vocabSize: 49408,
  contextLength: 77,
  projection: null,
  padding: 'end',
  defaultClipSkip: 1,
  normalizeHidden: true,
};

/** OpenCLIP ViT-H/14's text half, as SD 2.x uses it. */
export const OPEN_CLIP_H: ClipTextConfig = {
  ...CLIP_L,
  width: 1024,
  layers: 24,
  heads: 16,
  mlpWidth: 4096,
  activation: 'gelu',
  projection: { width: 1024, layout: 'matrix' },
  padding: 'zero',
  defaultClipSkip: 2,
};

/** CLIP-L as SDXL uses it: the layer before the last, without the final norm. */
export const SDXL_CLIP_L: ClipTextConfig = { ...CLIP_L, defaultClipSkip: 2, normalizeHidden: false };

/** OpenCLIP ViT-bigG/14's text half, as SDXL uses it; its projection gives the pooled vector. */
export const OPEN_CLIP_BIG_G: ClipTextConfig = {
  ...OPEN_CLIP_H,
  width: 1280,
  layers: 32,
  heads: 20,
  mlpWidth: 5120,
  projection: { width: 1280, layout: 'matrix' },
  normalizeHidden: false,
};

const SD_VAE: VaeConfig = {
  imageChannels: 3,
  channels: 128,
  channelMult: [1, 2, 4, 4],
  numResBlocks: 2,
  zChannels: 4,
  embedDim: 4,
  scalingFactor: 0.18215,
  normGroups: 32,
};

const SD15_UNET: UnetConfig = {
  inChannels: 4,
  outChannels: 4,
  modelChannels: 320,
  channelMult: [1, 2, 4, 4],
  numResBlocks: [2, 2, 2, 2],
  inputDepths: [1, 1, 1, 1, 1, 1, 0, 0],
  middleDepth: 1,
  outputDepths: [0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1],
  contextDim: 768,
  heads: { count: 8 },
  useLinearProjection: false,
  admChannels: 0,
  normGroups: 32,
};

export const SD15: CheckpointConfig = {
  architecture: 'sd15',
  predictionType: 'eps',
  zeroTerminalSnr: false,
  unet: SD15_UNET,
  vae: SD_VAE,
  textEncoders: [CLIP_L],
};

/** SD 2.1 at 768 pixels; the 512-pixel "base" models differ by predictionType 'eps' alone. */
export const SD21: CheckpointConfig = {
  architecture: 'sd21',
  predictionType: 'v',
  zeroTerminalSnr: false,
  unet: { ...SD15_UNET, contextDim: 1024, heads: { channels: 64 }, useLinearProjection: true },
  vae: SD_VAE,
  textEncoders: [OPEN_CLIP_H],
};

export const SDXL: CheckpointConfig = {
  architecture: 'sdxl',
  predictionType: 'eps',
  zeroTerminalSnr: false,
  unet: {
    ...SD15_UNET,
    channelMult: [1, 2, 4],
    numResBlocks: [2, 2, 2],
    inputDepths: [0, 0, 2, 2, 10, 10],
    middleDepth: 10,
    outputDepths: [10, 10, 10, 2, 2, 2, 0, 0, 0],
    contextDim: 2048,
    heads: { channels: 64 },
    useLinearProjection: true,
    admChannels: 2816,
  },
  vae: { ...SD_VAE, scalingFactor: 0.13025 },
  textEncoders: [SDXL_CLIP_L, OPEN_CLIP_BIG_G],
};
