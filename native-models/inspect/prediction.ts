/** Which family a U-Net belongs to, and what its output means: noise or v. */
import type { Architecture, PredictionType, UnetConfig } from '../models/configs.ts';
import { canonicalTensors } from '../weights/keys.ts';
import { readTensorFloat32, type WeightsFile } from '../weights/tensors.ts';

/** The width of the text embedding settles it for published models. */
export const ARCHITECTURE_OF_CONTEXT: ReadonlyMap<number | undefined, Architecture> = new Map([
  [768, 'sd15'],
  [1024, 'sd21'],
  [2048, 'sdxl'],
]);

/** SD 2's 768-pixel v models have a wide spread here, its eps models a narrow one (observed by ComfyUI). */
const V_SPREAD = 0.09;
const SPREAD_TENSOR = 'output_blocks.11.1.transformer_blocks.0.norm1.bias';

/** SD 2 base was saved at this training step, the v model after it (observed by InvokeAI). */
const EPS_GLOBAL_STEP = '220000';

/** Models of unpublished widths (toys, our own) are told by their structure instead. */
export function architectureOf(
  unet: Pick<UnetConfig, 'contextDim' | 'admChannels' | 'useLinearProjection'>,
): Architecture {
  const published = ARCHITECTURE_OF_CONTEXT.get(unet.contextDim);
  if (published) return published;
  if (unet.admChannels > 0) return 'sdxl';
  return unet.useLinearProjection ? 'sd21' : 'sd15';
}

/** Marker tensors, then the file's metadata, then for SD 2 the weights themselves; eps where nothing speaks for v. */
export function predictionTypeOf(file: WeightsFile, architecture: Architecture): PredictionType {
  if (file.tensors.has('v_pred')) return 'v';
  const stated = file.metadata['modelspec.prediction_type'];
  if (stated !== undefined) return stated.startsWith('v') ? 'v' : 'eps';
  if (file.metadata['global_step'] === EPS_GLOBAL_STEP) return 'eps';
  return architecture === 'sd21' ? predictionOfSd2(file) : 'eps';
}

/** Whether the model was trained on noise schedules that end in pure noise ("ztsnr" marker tensor). */
export function hasZeroTerminalSnr(file: WeightsFile): boolean {
  return file.tensors.has('ztsnr');
}

/** Inpaint and depth variants of SD 2 predict noise, so only 4-channel models are looked at. */
function predictionOfSd2(file: WeightsFile): PredictionType {
  const tensors = canonicalTensors(file, 'unet');
  const info = tensors.get(SPREAD_TENSOR);
  const fourChannels = tensors.get('input_blocks.0.0.weight')?.shape[1] === 4;
  return info && fourChannels && standardDeviation(readTensorFloat32(info)) > V_SPREAD ? 'v' : 'eps';
}

function standardDeviation(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}
