/** The denoising U-Net of Latent Diffusion (Rombach et al. 2022; openaimodel.py), for SD 1.x, 2.x and XL. */
import * as ops from '../graph/ops.ts';
import { input, staticDim, type Value } from '../graph/value.ts';
import { spatialTransformer } from '../layers/attention.ts';
import { conv2d, groupNorm, silu } from '../layers/basic.ts';
import { downsample, embeddingMlp, resBlock, sinusoids, upsample } from '../layers/resnet.ts';
import type { Scope } from '../layers/scope.ts';
import { headCount, type UnetConfig } from './configs.ts';

/** What the U-Net is told. Sizes: latent [B, inChannels, H/8, W/8], timestep [B], context [B, T, contextDim]. */
export interface UnetInputs {
  readonly latent: Value;
  readonly timestep: Value;
  readonly context: Value;
  /** SDXL's pooled text and sizes [B, admChannels]. */
  readonly y?: Value;
  /** ControlNet residuals: one per skip, in the order of input_blocks, then one for the middle. */
  readonly residuals?: readonly Value[];
  /** T2I-Adapter features: one for each of `featureBlocks`. */
  readonly features?: readonly Value[];
  /** Shown every block's output under its LDM path: for tests, and for whoever wants features. */
  readonly tap?: Tap | undefined;
}

/** The inputs that U-Net and ControlNet have in common, of any batch and size, by the names that they are fed under. */
export function unetInputs(
  config: Pick<UnetConfig, 'inChannels' | 'contextDim' | 'admChannels'>,
): Pick<UnetInputs, 'latent' | 'timestep' | 'context' | 'y'> {
  return {
    latent: input('latent', 'float32', ['batch', config.inChannels, 'height', 'width']),
    timestep: input('timestep', 'float32', ['batch']),
    context: input('context', 'float32', ['batch', 'tokens', config.contextDim]),
    ...(config.admChannels > 0 && { y: input('y', 'float32', ['batch', config.admChannels]) }),
  };
}

export type Tap = (path: string, value: Value) => void;

/** The part of a config that the downward half reads; ControlNet shares it. */
export type EncoderConfig = Omit<UnetConfig, 'outChannels' | 'outputDepths'>;

/** Predicted noise (or v) [B, outChannels, H/8, W/8]. */
export function unet(scope: Scope, config: UnetConfig, inputs: UnetInputs): Value {
  const guide = guideOf(scope, config, inputs);
  const encoded = encoder(scope, config, inputs, guide);
  const residuals = inputs.residuals ?? [];
  const middleResidual = residuals[encoded.skips.length];
  const middle = middleResidual ? ops.add(encoded.middle, middleResidual) : encoded.middle;
  const skips = encoded.skips.map((skip, index) =>
    residuals[index] ? ops.add(skip, residuals[index]) : skip,
  );
  return output(scope, config, decoder(scope, config, { middle, skips }, guide));
}

/**
 * The same from its outer blocks alone, the first of input_blocks and the last of output_blocks (DeepCache, Ma et al.
 * 2023): `deep` [B, C, H/8, W/8] is what the block named by `deepFeature` gave at an earlier step. A twelfth of SD 1.5's
 * work, a sixtieth of SDXL's. Of the residuals only the first is read.
 */
export function outerUnet(scope: Scope, config: UnetConfig, inputs: UnetInputs, deep: Value): Value {
  const guide = guideOf(scope, config, inputs);
  const first = firstConvolution(scope, config, inputs.latent);
  const skip = inputs.residuals?.[0] ? ops.add(first, inputs.residuals[0]) : first;
  const index = config.outputDepths.length - 1;
  const at = scope.at('output_blocks').at(index);
  const depth = config.outputDepths[index]!;
  const joined = ops.concat([deep, skip], 1);
  const channels = config.channelMult[0]! * config.modelChannels;
  return output(scope, config, unetBlock(at, config, joined, channels, depth, guide));
}

/** The block whose output the outer blocks join to the first skip: its path, as taps have it, and its channels. */
export function deepFeature(config: UnetConfig): { readonly path: string; readonly channels: number } {
  const level = config.numResBlocks[0]! > 0 ? 0 : 1;
  const path = `output_blocks.${config.outputDepths.length - 2}`;
  return { path, channels: config.channelMult[level]! * config.modelChannels };
}

function guideOf(scope: Scope, config: UnetConfig, inputs: UnetInputs): Guide {
  return { time: timeEmbedding(scope, config, inputs), context: inputs.context, tap: inputs.tap };
}

function firstConvolution(scope: Scope, config: EncoderConfig, latent: Value): Value {
  return conv2d(scope.at('input_blocks.0.0'), latent, config.inChannels, config.modelChannels);
}

function output(scope: Scope, config: UnetConfig, decoded: Value): Value {
  const normed = groupNorm(scope.at('out.0'), decoded, config.modelChannels, config.normGroups, 1e-5);
  return conv2d(scope.at('out.2'), silu(scope.flavour, normed), config.modelChannels, config.outChannels);
}

/**
 * The input blocks behind which a T2I-Adapter's features join the flow: the last of every level. SDXL's adapters begin at
 * half the latent's size, so there the first level's joins behind the downsampler.
 */
export function featureBlocks({
  numResBlocks,
  admChannels,
}: Pick<UnetConfig, 'numResBlocks' | 'admChannels'>): number[] {
  let last = -1;
  const ends = numResBlocks.map((count) => {
    last += count + 1; // with the downsampler before, or the first convolution
    return last;
  });
  return admChannels > 0 ? [ends[0]! + 1, ...ends.slice(1)] : ends;
}

/** SiLU of the time embedding (plus the label embedding) [B, 4·modelChannels]; every ResBlock reads it activated. */
export function timeEmbedding(
  scope: Scope,
  config: EncoderConfig,
  inputs: Pick<UnetInputs, 'timestep' | 'y' | 'tap'>,
): Value {
  const width = 4 * config.modelChannels;
  const sines = sinusoids(inputs.timestep, config.modelChannels);
  const time = embeddingMlp(scope.at('time_embed'), sines, config.modelChannels, width);
  inputs.tap?.('time_embed', time);
  if (config.admChannels === 0) return silu(scope.flavour, time);
  if (!inputs.y) throw new Error('this U-Net needs the vector y (pooled text and sizes)');
  const label = embeddingMlp(scope.at('label_emb.0'), inputs.y, config.admChannels, width);
  return silu(scope.flavour, ops.add(time, label));
}

/** What every block is told besides its input. */
export interface Guide {
  /** SiLU of the time embedding. */
  readonly time: Value;
  readonly context: Value;
  readonly tap?: Tap | undefined;
}

export interface EncoderInputs {
  readonly latent: Value;
  /** Encoded hint, added after the first convolution (ControlNet). */
  readonly hint?: Value;
  /** Added behind `featureBlocks`, to the flow and thereby to the skips (T2I-Adapter). */
  readonly features?: readonly Value[];
}

export interface Encoded {
  /** One value per input block. */
  readonly skips: readonly Value[];
  readonly middle: Value;
}

/** input_blocks and middle_block. */
export function encoder(scope: Scope, config: EncoderConfig, inputs: EncoderInputs, guide: Guide): Encoded {
  const blocks = scope.at('input_blocks');
  const first = firstConvolution(scope, config, inputs.latent);
  const skips = [inputs.hint ? ops.add(first, inputs.hint) : first];
  const next = (): Scope => blocks.at(skips.length);
  const joining = inputs.features ? featureBlocks(config) : [];
  const push = (block: Value): void => {
    const feature = inputs.features?.[joining.indexOf(skips.length)];
    skips.push(feature ? ops.add(feature, block) : block);
  };
  const depths = config.inputDepths.values();
  for (const [level, mult] of config.channelMult.entries()) {
    for (let block = 0; block < config.numResBlocks[level]!; block++) {
      push(
        unetBlock(next(), config, skips.at(-1)!, mult * config.modelChannels, depths.next().value!, guide),
      );
    }
    if (level < config.channelMult.length - 1) push(downsample(next().at(0), skips.at(-1)!));
  }
  skips.forEach((skip, index) => {
    guide.tap?.(`input_blocks.${index}`, skip);
  });
  return { skips, middle: middleBlock(scope.at('middle_block'), config, skips.at(-1)!, guide) };
}

function middleBlock(scope: Scope, config: EncoderConfig, x: Value, guide: Guide): Value {
  const channels = staticDim(x, 1);
  const attended = unetBlock(scope, config, x, channels, config.middleDepth, guide);
  const { time } = guide;
  const y =
    config.middleDepth === 0
      ? attended
      : resBlock(scope.at(2), attended, time, { outChannels: channels, normGroups: config.normGroups });
  guide.tap?.('middle_block', y);
  return y;
}

/** output_blocks: each joins the skip of the mirrored input block; the last of a level enlarges. */
function decoder(scope: Scope, config: UnetConfig, { skips, middle }: Encoded, guide: Guide): Value {
  let x = middle;
  let index = 0;
  for (const [level, mult] of [...config.channelMult.entries()].reverse()) {
    for (let block = 0; block <= config.numResBlocks[level]!; block++) {
      const at = scope.at('output_blocks').at(index);
      const joined = ops.concat([x, skips[skips.length - 1 - index]!], 1);
      const depth = config.outputDepths[index]!;
      x = unetBlock(at, config, joined, mult * config.modelChannels, depth, guide);
      const enlarges = block === config.numResBlocks[level]! && level > 0;
      if (enlarges) x = upsample(at.at(depth > 0 ? 2 : 1), x, skips[skips.length - 2 - index]!);
      guide.tap?.(`output_blocks.${index}`, x);
      index++;
    }
  }
  return x;
}

/** A residual block at `.0` and, where `depth` > 0, a spatial transformer at `.1`. */
function unetBlock(
  scope: Scope,
  config: EncoderConfig,
  x: Value,
  outChannels: number,
  depth: number,
  guide: Guide,
): Value {
  const { normGroups } = config;
  const y = resBlock(scope.at(0), x, guide.time, { outChannels, normGroups });
  if (depth === 0) return y;
  const heads = headCount(config.heads, outChannels);
  return spatialTransformer(scope.at(1), y, guide.context, { heads, depth, normGroups });
}
