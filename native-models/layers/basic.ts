/** Linear, convolution, norms and activations, each written once per flavour. Weight layouts are torch's. */
import * as ops from '../graph/ops.ts';
import { constant, staticDim, type Value } from '../graph/value.ts';
import { packedConv2d, packedLinear } from './integer.ts';
import type { Flavour, Scope } from './scope.ts';
import { winogradConv2d } from './winograd.ts';

/** y = x·Wᵀ + b for x [..., inFeatures]; the weight [outFeatures, inFeatures] is used as it lies in the file. */
export function linear(scope: Scope, input: Value, inFeatures: number, outFeatures: number): Value {
  const x = ops.cast(input, scope.precision);
  const bias = scope.has('bias') ? scope.parameter('bias', [outFeatures]) : undefined;
  const y = scope.packed
    ? packedLinear(scope, x, inFeatures, outFeatures, bias)
    : product(scope.flavour, x, scope.parameter('weight', [outFeatures, inFeatures]), bias);
  return scope.adapt({ inFeatures, outFeatures }, x, y, ops.add);
}

function product(flavour: Flavour, x: Value, weight: Value, bias?: Value): Value {
  // Only ONNX Runtime's CPU kernels have a product that reads the weight transposed; elsewhere Gemm does.
  return flavour === 'cpu' && !bias ? ops.matmul(x, weight, { transB: true }) : flatGemm(x, weight, bias);
}

/** Gemm over the last axis: [..., in] → [..., out]. Reshapes cost nothing. */
function flatGemm(x: Value, weight: Value, bias?: Value): Value {
  if (x.shape.length === 2) return ops.gemm(x, weight, bias, { transB: true });
  const outFeatures = staticDim(weight, 0);
  const flat = ops.gemm(ops.reshape(x, [-1, staticDim(x, -1)]), weight, bias, { transB: true });
  return ops.reshape(flat, [...x.shape.slice(0, -1).map((_, axis) => ops.extent(x, axis)), outFeatures]);
}

export interface Conv2dOptions {
  readonly kernel?: number;
  readonly stride?: number;
  readonly padding?: number | readonly [number, number, number, number];
}

/** Convolution with bias where the file has one; 3×3 with padding 1 unless told otherwise. */
export function conv2d(
  scope: Scope,
  input: Value,
  inChannels: number,
  outChannels: number,
  options: Conv2dOptions = {},
): Value {
  const x = ops.cast(input, scope.precision);
  const { kernel = 3, stride = 1, padding = kernel >> 1 } = options;
  const bias = scope.has('bias') ? scope.parameter('bias', [outChannels]) : undefined;
  const sides = typeof padding === 'number' ? ([padding, padding, padding, padding] as const) : padding;
  const y =
    scope.packed === 'winograd'
      ? winogradConv2d(scope, x, outChannels, bias)
      : scope.packed
        ? packedConv2d(scope, x, outChannels, { kernel, stride, padding: sides }, bias)
        : ops.conv(x, scope.parameter('weight', [outChannels, inChannels, kernel, kernel]), bias, {
            stride,
            padding,
          });
  if (typeof padding !== 'number') return y; // the VAE's lopsided downsampling has no adapters
  const layer = {
    inFeatures: inChannels,
    outFeatures: outChannels,
    kernel: { size: kernel, stride, padding },
  };
  return scope.adapt(layer, x, y, ops.add);
}

/**
 * torch.pixel_unshuffle: [B, C, H, W] → [B, C·r², H/r, W/r], channel order c, row, column.
 * As a convolution with one 1 per kernel, which serves sizes known only at run time; the sums are exact.
 */
export function pixelUnshuffle(x: Value, factor: number): Value {
  if (factor === 1) return x;
  const channels = staticDim(x, 1);
  const perChannel = factor ** 2;
  const kernel = new Float32Array(channels * perChannel * channels * perChannel);
  for (let out = 0; out < channels * perChannel; out++) {
    const from = Math.floor(out / perChannel);
    kernel[(out * channels + from) * perChannel + (out % perChannel)] = 1;
  }
  const shape = [channels * perChannel, channels, factor, factor];
  return ops.conv(x, constant(kernel, shape), undefined, { stride: factor });
}

/**
 * GroupNorm (Wu & He 2018) of [B, channels, H, W], affine per channel.
 * Written as instance norm over [B, groups, rest]; the affine part follows per channel. Sums over a whole group
 * overflow half precision, hence the casts.
 */
export function groupNorm(scope: Scope, x: Value, channels: number, groups: number, epsilon: number): Value {
  const ones = constant(new Float32Array(groups).fill(1), [groups]);
  const zeros = constant(new Float32Array(groups), [groups]);
  const grouped = ops.reshape(ops.cast(x, 'float32'), [ops.extent(x, 0), groups, -1]);
  const normal = ops.reshape(
    ops.instanceNorm(grouped, ones, zeros, epsilon),
    x.shape.map((_, axis) => ops.extent(x, axis)),
  );
  const scale = ops.reshape(scope.parameter('weight', [channels], 'float32'), [1, channels, 1, 1]);
  const shift = ops.reshape(scope.parameter('bias', [channels], 'float32'), [1, channels, 1, 1]);
  return ops.cast(ops.add(ops.mul(normal, scale), shift), scope.precision);
}

/** LayerNorm (Ba et al. 2016) over the last axis of [B, T, width]. */
export function layerNorm(scope: Scope, x: Value, width: number, epsilon = 1e-5): Value {
  const scale = scope.parameter('weight', [width], 'float32');
  const shift = scope.parameter('bias', [width], 'float32');
  return ops.cast(ops.layerNorm(ops.cast(x, 'float32'), scale, shift, epsilon), scope.precision);
}

/** x·sigmoid(x), also called swish. */
export function silu(flavour: Flavour, x: Value): Value {
  return flavour === 'cpu' ? ops.quickGelu(x, 1) : ops.mul(x, ops.sigmoid(x));
}

/** OpenAI CLIP's cheap GELU: x·sigmoid(1.702·x). */
export function quickGelu(flavour: Flavour, x: Value): Value {
  return flavour === 'cpu' ? ops.quickGelu(x, 1.702) : ops.mul(x, ops.sigmoid(ops.mul(x, 1.702)));
}

/** GELU by the error function (Hendrycks & Gimpel 2016). */
export function gelu(x: Value): Value {
  return ops.gelu(x);
}
