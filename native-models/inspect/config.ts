/** The config a graph is built from: inferred from the tensors, then corrected by the file's metadata, then by the caller. */
import {
  type Architecture,
  type CheckpointConfig,
  type ClipTextConfig,
  type ClipVisionConfig,
  type ControlNetConfig,
  headCount,
  SD15,
  SD21,
  SDXL,
  type T2iAdapterConfig,
  type UnetConfig,
  type VaeConfig,
} from '../models/configs.ts';
import { canonicalTensors } from '../weights/keys.ts';
import { WeightsError, type WeightsFile } from '../weights/tensors.ts';
import {
  inferClipText,
  inferClipVision,
  inferControlNet,
  inferT2iAdapter,
  inferUnet,
  inferVae,
  TEXT_ENCODERS,
} from './architecture.ts';
import { describeDetection } from './describe.ts';
import { type Detection, detect } from './detect.ts';
import { combineOverrides, fileOverrides, METADATA_KEY, type Overrides } from './overrides.ts';
import { architectureOf, hasZeroTerminalSnr, predictionTypeOf } from './prediction.ts';

const NO_OVERRIDES: Overrides = {};
const PUBLISHED: Record<Architecture, CheckpointConfig> = { sd15: SD15, sd21: SD21, sdxl: SDXL };

/** What to do with a file that is no checkpoint but goes with one. */
const ROLES: Partial<Record<Detection['type'], string>> = {
  lora: 'Choose a checkpoint and add this file to it as a LoRA',
  controlnet: 'Choose a checkpoint and add this file to it as a ControlNet',
  vae: 'Choose a checkpoint and give this file as its VAE',
  embedding: 'Choose a checkpoint and name this file in the prompt',
  upscaler: 'Choose a checkpoint, or upscale a finished picture with this file',
};

/**
 * Everything about a complete checkpoint. Throws WeightsError: what the file is instead (a LoRA, Flux), or the part
 * that is missing or does not fit.
 */
export function checkpointConfig(file: WeightsFile, overrides = NO_OVERRIDES): CheckpointConfig {
  const detection = detect(file);
  if (detection.type !== 'checkpoint') {
    const problem = `this is ${describeDetection(detection)}, not a checkpoint`;
    throw new WeightsError(
      file.path,
      problem,
      ROLES[detection.type] ?? 'Choose a Stable Diffusion checkpoint',
    );
  }
  const all = combineOverrides(fileOverrides(file), overrides);
  const unet = unetConfig(file, overrides);
  const architecture = all.architecture ?? architectureOf(unet);
  return {
    architecture,
    predictionType: all.predictionType ?? predictionTypeOf(file, architecture),
    zeroTerminalSnr: hasZeroTerminalSnr(file),
    unet,
    vae: vaeConfig(file, architecture, overrides),
    textEncoders: textEncoderConfigs(file, architecture, overrides),
  };
}

/** Throws WeightsError when the file has no U-Net or its heads or groups do not divide its channels. */
export function unetConfig(file: WeightsFile, overrides = NO_OVERRIDES): UnetConfig {
  const tensors = partOf(file, 'unet', 'no U-Net');
  const { unet } = combineOverrides(fileOverrides(file), overrides);
  return checkedUnet(file, { ...inferUnet(tensors, file.path), ...unet });
}

/** Throws WeightsError when the file has no ControlNet or its heads or groups do not divide its channels. */
export function controlNetConfig(file: WeightsFile, overrides = NO_OVERRIDES): ControlNetConfig {
  const tensors = partOf(file, 'controlnet', 'no ControlNet');
  const { unet } = combineOverrides(fileOverrides(file), overrides);
  return checkedUnet(file, { ...inferControlNet(tensors, file.path), ...unet });
}

/** Throws WeightsError when the file has no T2I-Adapter. */
export function t2iAdapterConfig(file: WeightsFile): T2iAdapterConfig {
  return inferT2iAdapter(partOf(file, 't2iAdapter', 'no T2I-Adapter'), file.path);
}

/** SD and SDXL VAEs look alike; `architecture`, that of the checkpoint it serves, decides the scaling factor. */
export function vaeConfig(
  file: WeightsFile,
  architecture: Architecture,
  overrides = NO_OVERRIDES,
): VaeConfig {
  const tensors = partOf(file, 'vae', 'no VAE');
  const { vae } = combineOverrides(fileOverrides(file), overrides);
  const config = { ...inferVae(tensors, file.path, PUBLISHED[architecture].vae.scalingFactor), ...vae };
  checkDivides(file, config.normGroups, config.channels, 'vae.normGroups');
  return config;
}

/** One config per text encoder, in the order in which the U-Net reads them. */
export function textEncoderConfigs(
  file: WeightsFile,
  architecture: Architecture,
  overrides = NO_OVERRIDES,
): readonly ClipTextConfig[] {
  const { textEncoders } = combineOverrides(fileOverrides(file), overrides);
  return TEXT_ENCODERS[architecture].map(({ part, like }, index) => {
    const tensors = partOf(file, part, `no ${architecture} text encoder`);
    const config = { ...inferClipText(tensors, file.path, like), ...textEncoders?.[index] };
    checkDivides(file, config.heads, config.width, 'clip.heads');
    return config;
  });
}

/** Throws WeightsError when the file has no CLIP image encoder or its heads do not divide its width. */
export function clipVisionConfig(file: WeightsFile, overrides = NO_OVERRIDES): ClipVisionConfig {
  const tensors = partOf(file, 'clipVision', 'no image encoder');
  const { clipVision } = combineOverrides(fileOverrides(file), overrides);
  const config = { ...inferClipVision(tensors, file.path), ...clipVision };
  checkDivides(file, config.heads, config.width, 'clipVision.heads');
  return config;
}

function partOf(
  file: WeightsFile,
  part: Parameters<typeof canonicalTensors>[1],
  lacks: string,
): ReturnType<typeof canonicalTensors> {
  const tensors = canonicalTensors(file, part);
  if (tensors.size > 0) return tensors;
  throw new WeightsError(
    file.path,
    `this file has ${lacks}`,
    'Choose a complete model; "emulsion inspect" says what this is',
  );
}

/** Checks every level's channels; the configs that the weights cannot tell must at least fit them. */
function checkedUnet<T extends Omit<UnetConfig, 'outChannels' | 'outputDepths'>>(
  file: WeightsFile,
  config: T,
): T {
  for (const mult of config.channelMult) {
    const channels = config.modelChannels * mult;
    checkDivides(file, config.normGroups, channels, 'unet.normGroups');
    if (config.inputDepths.some((depth) => depth > 0)) {
      checkDivides(file, headCount(config.heads, channels), channels, 'unet.headChannels or unet.headCount');
    }
  }
  return config;
}

function checkDivides(file: WeightsFile, parts: number, channels: number, field: string): void {
  if (Number.isInteger(parts) && parts > 0 && channels % parts === 0) return;
  const problem = `${channels} channels cannot be divided into ${parts} heads or groups`;
  throw new WeightsError(file.path, problem, `State ${field} in its metadata "${METADATA_KEY}"`);
}
