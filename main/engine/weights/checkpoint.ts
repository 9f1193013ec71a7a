/** A checkpoint file as graphs: opened, recognised, its parts found. */
import {
  compileClipText,
  compileOuterUnet,
  compileUnet,
  compileVaeDecoder,
  compileVaeEncoder,
} from '../../../native-models/compile.ts';
import type { Graph } from '../../../native-models/graph/build.ts';
import { TEXT_ENCODERS } from '../../../native-models/inspect/architecture.ts';
import { checkpointConfig, vaeConfig } from '../../../native-models/inspect/config.ts';
import type { ParameterSource, Target } from '../../../native-models/layers/scope.ts';
import { isLinear } from '../../../native-models/lora/adapter.ts';
import type { CheckpointConfig, VaeConfig } from '../../../native-models/models/configs.ts';
import { type CanonicalTensors, canonicalTensors } from '../../../native-models/weights/keys.ts';
import { openWeights } from '../../../native-models/weights/open.ts';
import { fileParameters } from '../../../native-models/weights/source.ts';
import { WeightsError } from '../../../native-models/weights/tensors.ts';
import { sizeOf } from '../../pipeline/tensor.ts';

/** Canonical tensors of the parts of a checkpoint. */
export interface CheckpointParts {
  readonly unet: CanonicalTensors;
  readonly vae: CanonicalTensors;
  /** In the order of config.textEncoders. */
  readonly textEncoders: readonly CanonicalTensors[];
}

/** Graphs of a checkpoint, built on demand. */
export interface CheckpointGraphs {
  readonly config: CheckpointConfig;
  textEncoder(index: number): Graph;
  unet(): Graph;
  /** Its outer blocks alone. */
  outerUnet(): Graph;
  vaeEncoder(): Graph;
  vaeDecoder(): Graph;
}

/** A checkpoint whose header is read; nothing of it is loaded. */
export interface OpenedCheckpoint {
  readonly path: string;
  readonly config: CheckpointConfig;
  readonly parts: CheckpointParts;
  readonly graphs: CheckpointGraphs;
  readonly target: Target;
  /** Bytes of all parts as float32. */
  readonly float32Bytes: number;
}

/** Reads the header only. Throws a WeightsError that says what the file is when it is no checkpoint. */
export function openCheckpoint(path: string, target: Target): OpenedCheckpoint {
  const file = openWeights(path);
  const config = checkpointConfig(file);
  const parts = {
    unet: canonicalTensors(file, 'unet'),
    vae: canonicalTensors(file, 'vae'),
    textEncoders: TEXT_ENCODERS[config.architecture].map(({ part }) => canonicalTensors(file, part)),
  };
  return checkpointOf(path, config, parts, target);
}

/** A VAE from a file of its own. */
export interface VaePart {
  readonly config: VaeConfig;
  readonly tensors: CanonicalTensors;
}

/** Reads the header only. Throws WeightsError when the file has no VAE or one of other latents than `checkpoint`'s. */
export function openVaePart(path: string, checkpoint: CheckpointConfig): VaePart {
  const file = openWeights(path);
  const config = vaeConfig(file, checkpoint.architecture);
  const [own, wanted] = [config.embedDim, checkpoint.vae.embedDim];
  if (own === wanted) return { config, tensors: canonicalTensors(file, 'vae') };
  const problem = `this VAE has latents of ${own} channels, the model needs ${wanted}`;
  throw new WeightsError(path, problem, 'Choose a VAE made for this model');
}

/**
 * The same for parts that lie elsewhere (a cached copy, an overlay). U-Net and text encoders have live inputs for LoRAs
 * (the U-Net beside its convolutions only if `spatial`), the U-Net for ControlNet residuals.
 */
export function checkpointOf(
  path: string,
  config: CheckpointConfig,
  parts: CheckpointParts,
  target: Target,
  spatial = false,
): OpenedCheckpoint {
  const lora = spatial ? (): boolean => true : isLinear;
  const source = (tensors: CanonicalTensors): ParameterSource => fileParameters(path, tensors);
  const vaeTarget = vaeTargetOf(config, target);
  const unetOptions = { ...target, lora, control: true };
  const graphs: CheckpointGraphs = {
    config,
    textEncoder: (index) =>
      compileClipText(source(parts.textEncoders[index]!), config.textEncoders[index]!, {
        ...target,
        lora: isLinear,
      }).graph,
    unet: () => compileUnet(source(parts.unet), config.unet, unetOptions).graph,
    outerUnet: () => compileOuterUnet(source(parts.unet), config.unet, unetOptions).graph,
    vaeEncoder: () => compileVaeEncoder(source(parts.vae), config.vae, vaeTarget),
    vaeDecoder: () => compileVaeDecoder(source(parts.vae), config.vae, vaeTarget),
  };
  const all = [parts.unet, parts.vae, ...parts.textEncoders];
  const float32Bytes = 4 * all.reduce((sum, part) => sum + elementsOf(part), 0);
  return { path, config, parts, graphs, target, float32Bytes };
}

/** How many numbers a part of a checkpoint has. */
export function elementsOf(part: CanonicalTensors): number {
  return part.values().reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/** SDXL's VAE overflows half precision (its activations pass 65504): it always computes in float32. */
export function vaeTargetOf(
  { architecture }: Pick<CheckpointConfig, 'architecture'>,
  target: Target,
): Target {
  return architecture === 'sdxl' ? { ...target, precision: 'float32' } : target;
}
