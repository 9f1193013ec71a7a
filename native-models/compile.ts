/**
 * From (architecture, weights) to a graph ready for a session: the only export of this house that main builds models with.
 * Every graph serves any batch and any size that the architecture allows.
 */
import { buildGraph, type Graph } from './graph/build.ts';
import { cast } from './graph/ops.ts';
import { input, type Value } from './graph/value.ts';
import {
  type AdaptedLayer,
  type Adapter,
  type ParameterSource,
  rootScope,
  type Scope,
  type Target,
} from './layers/scope.ts';
import { type LoraTarget, liveLora } from './lora/adapter.ts';
import { clipText } from './models/clip.ts';
import { clipVision } from './models/clipVision.ts';
import type {
  ClipTextConfig,
  ClipVisionConfig,
  ControlNetConfig,
  EsrganConfig,
  T2iAdapterConfig,
  UnetConfig,
  VaeConfig,
} from './models/configs.ts';
import { controlFromFeatures, hintEncoder } from './models/controlnet.ts';
import { esrgan } from './models/esrgan.ts';
import { t2iAdapter } from './models/t2iAdapter.ts';
import { type TaesdConfig, taesdDecoder } from './models/taesd.ts';
import { deepFeature, featureBlocks, outerUnet, unet, unetInputs } from './models/unet.ts';
import { vaeDecoder, vaeEncoder } from './models/vae.ts';

const float = (name: string, ...shape: (number | string)[]): Value => input(name, 'float32', shape);

/** A graph and the places where LoRAs attach to it. */
export interface AdaptableGraph {
  readonly graph: Graph;
  readonly targets: readonly LoraTarget[];
}

export interface CompileOptions extends Target {
  /** Which layers get LoRA inputs; none when absent. */
  readonly lora?: (layer: AdaptedLayer) => boolean;
}

/**
 * U-Net: latent [batch, in, h, w], timestep [batch], context [batch, tokens, D] (, y, residual.0…, feature.0…) → noise,
 * and what its outer blocks can be run from again: deep [batch, C, h, w].
 */
export function compileUnet(
  source: ParameterSource,
  config: UnetConfig,
  options: CompileOptions & { readonly control?: boolean },
): AdaptableGraph {
  return adaptable(source, options, (scope) => {
    const control = options.control
      ? { residuals: residualInputs(config, scope), features: featureInputs(config, scope) }
      : {};
    const features = new Map<string, Value>();
    const tap = (path: string, value: Value): unknown => features.set(path, value);
    const noise = unet(scope, config, { ...unetInputs(config), ...control, tap });
    return { noise, deep: features.get(deepFeature(config).path)! };
  });
}

/** The outer blocks of the U-Net, which have few weights: its inputs (of the residuals the first) and deep → noise. */
export function compileOuterUnet(
  source: ParameterSource,
  config: UnetConfig,
  options: CompileOptions & { readonly control?: boolean },
): AdaptableGraph {
  return adaptable(source, options, (scope) => {
    const residuals = options.control ? residualInputs(config, scope).slice(0, 1) : [];
    const deep = cast(
      float('deep', 'batch', deepFeature(config).channels, 'height', 'width'),
      scope.precision,
    );
    return { noise: outerUnet(scope, config, { ...unetInputs(config), residuals }, deep) };
  });
}

/**
 * ControlNet: latent [batch, in, h, w], hint [batch, C, h, w] as compileHintEncoder gives it, timestep, context (, y)
 * → residual.0 … residual.N in the order of input_blocks, then the middle: the U-Net's inputs of the same names, at weight 1.
 */
export function compileControlNet(
  source: ParameterSource,
  config: ControlNetConfig,
  options: CompileOptions,
): AdaptableGraph {
  return adaptable(source, options, (scope) => {
    const shape = ['batch', config.modelChannels, 'height', 'width'];
    const hint = cast(float('hint', ...shape), scope.precision);
    const residuals = controlFromFeatures(scope, config, { ...unetInputs(config), hint });
    return Object.fromEntries(residuals.map((value, index) => [`residual.${index}`, value]));
  });
}

/** What a ControlNet sees of its hint, once for all steps: picture [batch, 3, 8h, 8w] in 0–1 → hint [batch, C, h, w]. */
export function compileHintEncoder(source: ParameterSource, config: ControlNetConfig, target: Target): Graph {
  const picture = float('picture', 'batch', config.hintChannels, 'height', 'width');
  return plain({ hint: hintEncoder(rootScope(source, target), config, picture) });
}

/**
 * T2I-Adapter: hint [batch, 3, H, W] in 0–1 → feature.0 …: the U-Net's inputs of the same names, at weight 1. SDXL's last
 * one is for the middle.
 */
export function compileT2iAdapter(source: ParameterSource, config: T2iAdapterConfig, target: Target): Graph {
  const hint = float('hint', 'batch', 3, 'height', 'width');
  const features = t2iAdapter(rootScope(source, target), config, hint);
  return buildGraph(Object.fromEntries(features.map((value, index) => [`feature.${index}`, value])));
}

/** One input per skip and one for the middle, in the order of input_blocks; [1, channels, 1, 1] zeros where no control acts. */
function residualInputs(config: UnetConfig, scope: Scope): Value[] {
  const channels = skipChannels(config);
  return mapInputs('residual', [...channels, channels.at(-1)!], scope);
}

/** One input per feature block, zeros where no T2I-Adapter acts. */
function featureInputs(config: UnetConfig, scope: Scope): Value[] {
  return mapInputs('feature', featureChannels(config), scope);
}

function mapInputs(name: string, channels: readonly number[], { precision }: Scope): Value[] {
  return channels.map((count, index) => {
    const shape = [`${name} batch ${index}`, count, `${name} height ${index}`, `${name} width ${index}`];
    return cast(float(`${name}.${index}`, ...shape), precision);
  });
}

/** Channels of every T2I-Adapter feature that joins an input block. */
export function featureChannels(
  config: Pick<UnetConfig, 'modelChannels' | 'channelMult' | 'numResBlocks' | 'admChannels'>,
): number[] {
  const channels = skipChannels(config);
  return featureBlocks(config).map((block) => channels[block]!);
}

/** Channels of every skip connection, in the order of input_blocks. */
export function skipChannels(
  config: Pick<UnetConfig, 'modelChannels' | 'channelMult' | 'numResBlocks'>,
): number[] {
  const perLevel = config.channelMult.map((mult, level) => {
    const downsampler = level < config.channelMult.length - 1 ? 1 : 0;
    return new Array<number>(config.numResBlocks[level]! + downsampler).fill(mult * config.modelChannels);
  });
  return [config.modelChannels, ...perLevel.flat()];
}

/** Text encoder: tokenIds [batch, 77], extraEmbeddings [n, width] → embedding.1 … embedding.N (by clip skip), pooled. */
export function compileClipText(
  source: ParameterSource,
  config: ClipTextConfig,
  options: CompileOptions,
): AdaptableGraph {
  return adaptable(source, options, (scope) => {
    const tokenIds = input('tokenIds', 'int64', ['batch', config.contextLength]);
    const extraEmbeddings = float('extraEmbeddings', 'extra', config.width);
    const { embeddings, pooled } = clipText(scope, config, { tokenIds, extraEmbeddings });
    const named = embeddings.map((value, index) => [`embedding.${index + 1}`, value] as const);
    return { ...Object.fromEntries(named), pooled };
  });
}

/** Image encoder: image [batch, 3, imageSize, imageSize], normalised as CLIP's → embedding [batch, projection.width]. */
export function compileClipVision(source: ParameterSource, config: ClipVisionConfig, target: Target): Graph {
  const image = float('image', 'batch', 3, config.imageSize, config.imageSize);
  return plain({ embedding: clipVision(rootScope(source, target), config, image) });
}

/** VAE encoder: image [batch, 3, H, W] in −1…1 → moments [batch, 2·embedDim, H/8, W/8]. */
export function compileVaeEncoder(source: ParameterSource, config: VaeConfig, target: Target): Graph {
  const image = float('image', 'batch', config.imageChannels, 'height', 'width');
  return plain({ moments: vaeEncoder(rootScope(source, target), config, image) });
}

/** VAE decoder: latent [batch, embedDim, h, w], unscaled → image [batch, 3, 8h, 8w]. */
export function compileVaeDecoder(source: ParameterSource, config: VaeConfig, target: Target): Graph {
  const latent = float('latent', 'batch', config.embedDim, 'height', 'width');
  return plain({ image: vaeDecoder(rootScope(source, target), config, latent) });
}

/** Upscaler: image [batch, 3, H, W] in 0–1 → upscaled [batch, 3, scale·H, scale·W], not clamped. */
export function compileUpscaler(source: ParameterSource, config: EsrganConfig, target: Target): Graph {
  const image = float('image', 'batch', config.imageChannels, 'height', 'width');
  return plain({ upscaled: esrgan(rootScope(source, target), config, image) });
}

/** TAESD: latent [batch, 4, h, w] × scalingFactor → image [batch, 3, 8h, 8w], about 0–1. */
export function compileTaesdDecoder(source: ParameterSource, config: TaesdConfig, target: Target): Graph {
  const latent = float('latent', 'batch', config.latentChannels, 'height', 'width');
  return plain({ image: taesdDecoder(rootScope(source, target), config, latent) });
}

function adaptable(
  source: ParameterSource,
  { lora, ...target }: CompileOptions,
  outputs: (scope: Scope) => Readonly<Record<string, Value>>,
): AdaptableGraph {
  const live = liveLora(lora ?? (() => false));
  const adapter: { adapter?: Adapter } = lora ? { adapter: live.adapter } : {};
  return { graph: plain(outputs(rootScope(source, { ...target, ...adapter }))), targets: live.targets };
}

/** Whatever a graph computes in, it gives float32: half-precision tensors do not cross into JavaScript everywhere. */
function plain(outputs: Readonly<Record<string, Value>>): Graph {
  const wide = Object.entries(outputs).map(([name, value]) => [name, cast(value, 'float32')] as const);
  return buildGraph(Object.fromEntries(wide));
}
