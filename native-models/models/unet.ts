/** The denoising U-Net of Latent Diffusion (Rombach et al. 2022; openaimodel.py), for SD 1.x, 2.x and XL. */
import * as ops from '../graph/ops.ts';
import type { Value } from '../graph/value.ts';
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
}

/** The part of a config that the downward half reads; ControlNet shares it. */
export type EncoderConfig = Omit<UnetConfig, 'outChannels' | 'outputDepths'>;

/** Predicted noise (or v) [B, outChannels, H/8, W/8]. */
export function unet(scope: Scope, config: UnetConfig, inputs: UnetInputs): Value {
  const time = timeEmbedding(scope, config, inputs);
  const encoded = encoder(scope, config, { ...inputs, time });
  const residuals = inputs.residuals ?? [];
  const middleResidual = residuals[encoded.skips.length];
  const middle = middleResidual ? ops.add(encoded.middle, middleResidual) : encoded.middle;
  const skips = encoded.skips.map((skip, index) =>
    residuals[index] ? ops.add(skip, residuals[index]) : skip,
  );
  const decoded = decoder(scope, config, middle, skips, time, inputs.context);
  const normed = groupNorm(scope.at('out.0'), decoded, config.modelChannels, config.normGroups, 1e-5);
  return conv2d(scope.at('out.2'), silu(scope.flavour, normed), config.modelChannels, config.outChannels);
}

/** SiLU of the time embedding (plus the label embedding) [B, 4·modelChannels]; every ResBlock reads it activated. */
export function timeEmbedding(
  scope: Scope,
  config: EncoderConfig,
  inputs: Pick<UnetInputs, 'timestep' | 'y'>,
): Value {
  const width = 4 * config.modelChannels;
  const sines = sinusoids(inputs.timestep, config.modelChannels);
  const time = embeddingMlp(scope.at('time_embed'), sines, config.modelChannels, width);
  if (config.admChannels === 0) return silu(scope.flavour, time);
  if (!inputs.y) throw new Error('this U-Net needs the vector y (pooled text and sizes)');
  const label = embeddingMlp(scope.at('label_emb.0'), inputs.y, config.admChannels, width);
  return silu(scope.flavour, ops.add(time, label));
}

interface EncoderInputs {
  readonly latent: Value;
  readonly time: Value;
  readonly context: Value;
  /** Encoded hint, added after the first convolution (ControlNet). */
  readonly hint?: Value;
}

/** input_blocks and middle_block. `skips` has one value per input block. */
export function encoder(
  scope: Scope,
  config: EncoderConfig,
  inputs: EncoderInputs,
): { skips: Value[]; middle: Value } {
  const { time, context } = inputs;
  const first = conv2d(scope.at('input_blocks.0.0'), inputs.latent, config.inChannels, config.modelChannels);
  let x = inputs.hint ? ops.add(first, inputs.hint) : first;
  let channels = config.modelChannels;
  const skips = [x];
  let depthIndex = 0;
  for (const [level, mult] of config.channelMult.entries()) {
    for (let block = 0; block < config.numResBlocks[level]!; block++) {
      const at = scope.at('input_blocks').at(skips.length);
      const outChannels = mult * config.modelChannels;
      x = blockWithAttention(
        at,
        config,
        x,
        channels,
        outChannels,
        config.inputDepths[depthIndex++]!,
        time,
        context,
      );
      channels = outChannels;
      skips.push(x);
    }
    if (level < config.channelMult.length - 1) {
      x = downsample(scope.at('input_blocks').at(skips.length).at(0), x, channels);
      skips.push(x);
    }
  }
  return { skips, middle: middleBlock(scope.at('middle_block'), config, x, channels, time, context) };
}

function middleBlock(
  scope: Scope,
  config: EncoderConfig,
  x: Value,
  channels: number,
  time: Value,
  context: Value,
): Value {
  const before = blockWithAttention(scope, config, x, channels, channels, config.middleDepth, time, context);
  return config.middleDepth === 0
    ? before
    : resBlock(scope.at(2), before, time, resOptions(config, channels, channels));
}

function decoder(
  scope: Scope,
  config: UnetConfig,
  middle: Value,
  skips: Value[],
  time: Value,
  context: Value,
): Value {
  const skipChannels = skips.map((skip) => skip.shape[1] as number);
  let x = middle;
  let channels = middle.shape[1] as number;
  let index = 0;
  for (const [level, mult] of [...config.channelMult.entries()].reverse()) {
    for (let block = 0; block <= config.numResBlocks[level]!; block++) {
      const at = scope.at('output_blocks').at(index);
      const position = skips.length - 1 - index;
      const joined = ops.concat([x, skips[position]!], 1);
      const inChannels = channels + skipChannels[position]!;
      channels = mult * config.modelChannels;
      const depth = config.outputDepths[index]!;
      x = blockWithAttention(at, config, joined, inChannels, channels, depth, time, context);
      const last = block === config.numResBlocks[level]!;
      if (last && level > 0) x = upsample(at.at(depth > 0 ? 2 : 1), x, channels, skips[position - 1]!);
      index++;
    }
  }
  return x;
}

/** A residual block at `.0` and, where `depth` > 0, a spatial transformer at `.1`. */
function blockWithAttention(
  scope: Scope,
  config: EncoderConfig,
  x: Value,
  inChannels: number,
  outChannels: number,
  depth: number,
  time: Value,
  context: Value,
): Value {
  const y = resBlock(scope.at(0), x, time, resOptions(config, inChannels, outChannels));
  if (depth === 0) return y;
  const heads = headCount(config.heads, outChannels);
  const options = { channels: outChannels, heads, depth, normGroups: config.normGroups };
  return spatialTransformer(scope.at(1), y, context, options);
}

function resOptions(
  config: EncoderConfig,
  inChannels: number,
  outChannels: number,
): Parameters<typeof resBlock>[3] {
  return { inChannels, outChannels, timeWidth: 4 * config.modelChannels, normGroups: config.normGroups };
}
