/** What a LoRA training is given of the base model: frozen weights for the graphs, and the networks that encode. */
import {
  compileClipText,
  compileOuterUnet,
  compileUnet,
  compileVaeDecoder,
  compileVaeEncoder,
} from '../../../native-models/compile.ts';
import type { ParameterSource } from '../../../native-models/layers/scope.ts';
import type { CheckpointConfig } from '../../../native-models/models/configs.ts';
import { fileParameters } from '../../../native-models/weights/source.ts';
import { createNetworks } from '../../engine/networks/networks.ts';
import { DEFAULT_SESSION } from '../../engine/runtime/sessions.ts';
import { type CheckpointGraphs, openCheckpoint } from '../../engine/weights/checkpoint.ts';
import { copyOrOriginal } from '../../engine/weights/fp32Cache.ts';
import type { Tensor } from '../../pipeline/tensor.ts';
import type { TextModel } from '../../pipeline/text/textModel.ts';

export interface BaseModel {
  /** The checkpoint's file: named in the LoRA's metadata. */
  readonly path: string;
  readonly config: CheckpointConfig;
  /** Frozen weights. Float32 files are mapped and shared by the graphs of all buckets. */
  readonly unet: ParameterSource;
  /** In the order of config.textEncoders. */
  readonly textEncoders: readonly ParameterSource[];
  readonly textModels: readonly TextModel[];
  /** Pixels [1, 3, H, W] in -1…1 → latent [1, 4, H/8, W/8] × scalingFactor. */
  encodeImage(pixels: Tensor): Promise<Tensor>;
  /** Frees the encoders' sessions before training begins. */
  release(): Promise<void>;
}

export interface BaseModelOptions {
  /** Cores of the encoders; 0 = all. */
  readonly threads?: number;
  /** Where a float32 copy of the weights is kept; without it, or where it takes none, half-precision weights are widened for every bucket anew. */
  readonly cacheDir?: string;
  readonly signal?: AbortSignal;
}

/** Opens a checkpoint for training on the CPU; sessions are made when first needed. Throws WeightsError. */
export async function openBaseModel(path: string, options: BaseModelOptions = {}): Promise<BaseModel> {
  const { threads = 0, cacheDir, signal = new AbortController().signal } = options;
  const original = openCheckpoint(path, { flavour: 'cpu' });
  const { checkpoint } = cacheDir
    ? await copyOrOriginal(original, cacheDir, signal)
    : { checkpoint: original };
  const { parts, path: weights, config } = checkpoint;
  const textEncoders = parts.textEncoders.map((tensors) => fileParameters(weights, tensors));
  const sources = {
    unet: fileParameters(weights, parts.unet),
    vae: fileParameters(weights, parts.vae),
    textEncoders,
  };
  const session = { ...DEFAULT_SESSION, threads };
  // Encoders only, one after the other; large pictures go through the VAE in one piece as the U-Net will see them.
  const networks = createNetworks(plainGraphs(config, sources), {
    session,
    oneAtATime: true,
    vaeTile: () => Number.MAX_SAFE_INTEGER,
  });
  const { textModels, encodeImage, release } = networks;
  return { path, config, unet: sources.unet, textEncoders, textModels, encodeImage, release };
}

interface Sources {
  readonly unet: ParameterSource;
  readonly vae: ParameterSource;
  readonly textEncoders: readonly ParameterSource[];
}

/** Graphs without inputs for LoRAs or ControlNets. */
function plainGraphs(config: CheckpointConfig, { unet, vae, textEncoders }: Sources): CheckpointGraphs {
  const plain = { flavour: 'cpu' } as const;
  return {
    config,
    textEncoder: (index) => compileClipText(textEncoders[index]!, config.textEncoders[index]!, plain).graph,
    unet: () => compileUnet(unet, config.unet, plain).graph,
    outerUnet: () => compileOuterUnet(unet, config.unet, plain).graph,
    vaeEncoder: () => compileVaeEncoder(vae, config.vae, plain),
    vaeDecoder: () => compileVaeDecoder(vae, config.vae, plain),
  };
}
