/** Residual blocks, down- and upsampling and the timestep embedding of the U-Net (LDM openaimodel.py). */
import * as ops from '../graph/ops.ts';
import { constant, staticDim, type Value } from '../graph/value.ts';
import { conv2d, groupNorm, linear, silu } from './basic.ts';
import type { Scope } from './scope.ts';

export interface ResBlockOptions {
  readonly outChannels: number;
  readonly normGroups: number;
}

/** LDM ResBlock: two norm–SiLU–conv, the (already activated) time embedding added between, and a skip. */
export function resBlock(scope: Scope, x: Value, activatedTime: Value, options: ResBlockOptions): Value {
  const { outChannels, normGroups } = options;
  const inChannels = staticDim(x, 1);
  const timeWidth = staticDim(activatedTime, 1);
  const normedIn = silu(scope.flavour, groupNorm(scope.at('in_layers.0'), x, inChannels, normGroups, 1e-5));
  const hidden = conv2d(scope.at('in_layers.2'), normedIn, inChannels, outChannels);
  const time = linear(scope.at('emb_layers.1'), activatedTime, timeWidth, outChannels); // [B, outChannels]
  const timed = ops.add(hidden, ops.reshape(time, [ops.extent(time, 0), outChannels, 1, 1]));
  const normedOut = silu(
    scope.flavour,
    groupNorm(scope.at('out_layers.0'), timed, outChannels, normGroups, 1e-5),
  );
  const residual = conv2d(scope.at('out_layers.3'), normedOut, outChannels, outChannels);
  const skip =
    inChannels === outChannels
      ? x
      : conv2d(scope.at('skip_connection'), x, inChannels, outChannels, { kernel: 1 });
  return ops.add(skip, residual);
}

/** Halves height and width (rounding up) with a 3×3 convolution of stride 2. */
export function downsample(scope: Scope, x: Value): Value {
  const channels = staticDim(x, 1);
  return conv2d(scope.at('op'), x, channels, channels, { stride: 2 });
}

/** Enlarges to the size of `like` (twice, or one less where the skip was odd), then a 3×3 convolution. */
export function upsample(scope: Scope, x: Value, like: Value): Value {
  const channels = staticDim(x, 1);
  return conv2d(scope.at('conv'), ops.resizeNearestLike(x, like), channels, channels);
}

/**
 * Sinusoidal embedding of positions [B] → [B, width], cosines first (Ho et al. 2020; LDM timestep_embedding).
 * frequency_i = 10000^(−i/(width/2)).
 */
export function sinusoids(position: Value, width: number): Value {
  const half = width / 2;
  const frequencies = Float32Array.from({ length: half }, (_, i) => Math.exp((-Math.log(10_000) * i) / half));
  const column = ops.reshape(position, [ops.extent(position, 0), 1]);
  const angles = ops.mul(column, constant(frequencies, [1, half])); // [B, half]
  return ops.concat([ops.cos(angles), ops.sin(angles)], -1);
}

/** Linear–SiLU–linear, as in time_embed and label_emb.0. */
export function embeddingMlp(scope: Scope, x: Value, inFeatures: number, width: number): Value {
  return linear(scope.at(2), silu(scope.flavour, linear(scope.at(0), x, inFeatures, width)), width, width);
}
