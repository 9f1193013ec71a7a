/**
 * Linear and convolution in 8-bit integers, used wherever the weights hold the packed form of a layer (see
 * weights/packed.ts): W ≈ scale·(high + low/254), one scale per output. Activations are quantised as they come.
 * Without `low` ("8 bits") one product makes the layer; with it ("16 bits") the activation is split as well,
 * x ≈ high + low, and high·high + high·low + low·high leave out only low·low, some 2⁻¹⁶ of the result.
 */
import {
  dequantise,
  integerProduct,
  type Quantised,
  quantise,
  type Window,
  windows,
} from '../graph/integerOps.ts';
import * as ops from '../graph/ops.ts';
import { staticDim, type Value } from '../graph/value.ts';
import type { Scope } from './scope.ts';

/** Names of a packed weight's tensors beside the layer's own: [K, N] int8, [K, N] int8 (16 bits only), [N] float32. */
export const PACKED = { high: 'weight.high', low: 'weight.low', scale: 'weight.scale' } as const;

/** Steps of `low` in one step of `high`: both halves of a step as int8 from −127 to 127. */
export const LOW_STEPS = 254;

/** A row of zeros is divided by this instead of by its largest magnitude. */
const SMALLEST_ROW = 1e-20;

/**
 * x [..., inFeatures] → [..., outFeatures]. Where 8 bits have to do and the layer narrows, as the second one of a
 * feed-forward does, every row gets a scale of its own: a gate's products have a few large tokens, beside which the
 * others would keep two or three bits, and one factor per row is little beside the product.
 */
export function packedLinear(
  scope: Scope,
  x: Value,
  inFeatures: number,
  outFeatures: number,
  bias?: Value,
): Value {
  const shape = [inFeatures, outFeatures] as const;
  if (scope.packed === 16 || inFeatures <= outFeatures) return product(scope, digits(scope, x), shape, bias);
  const largest = ops.max(ops.reduceMax(ops.abs(x), [-1]), SMALLEST_ROW);
  const y = ops.mul(product(scope, digits(scope, ops.div(x, largest)), shape), largest);
  return bias ? ops.add(y, bias) : y;
}

/** x [B, C, H, W] → [B, outChannels, H', W']; rows of the packed weight run over (ky, kx, channel). */
export function packedConv2d(
  scope: Scope,
  x: Value,
  outChannels: number,
  window: Window,
  bias?: Value,
): Value {
  const seen = digits(scope, x).map((digit) => {
    const channelsLast = ops.transpose(digit.values, [0, 2, 3, 1]);
    return { ...digit, values: windows(channelsLast, digit.zero, window) };
  });
  const rows = window.kernel ** 2 * staticDim(x, 1);
  return ops.transpose(product(scope, seen, [rows, outChannels], bias), [0, 3, 1, 2]);
}

/** One 8-bit digit, or two where the weight has two: the second quantises what the first leaves over. */
function digits(scope: Scope, x: Value): readonly Quantised[] {
  const high = quantise(x);
  return scope.packed === 16 ? [high, quantise(ops.sub(x, dequantise(high)))] : [high];
}

function product(
  scope: Scope,
  [high, low]: readonly Quantised[],
  shape: readonly [rows: number, columns: number],
  bias?: Value,
): Value {
  const weight = scope.raw(PACKED.high, shape);
  const scale = scope.raw(PACKED.scale, [shape[1]]);
  const main = integerProduct(high!, weight, scale, bias);
  if (!low) return main;
  const lowScale = ops.mul(scale, 1 / LOW_STEPS);
  const byLowWeight = integerProduct(high!, scope.raw(PACKED.low, shape), lowScale);
  return ops.add(main, ops.add(byLowWeight, integerProduct(low, weight, scale)));
}
