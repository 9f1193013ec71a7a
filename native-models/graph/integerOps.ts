/** Operations on 8-bit integers: dynamic quantisation, products with float results, and the windows of a convolution. */
import { apply, applyAll } from './apply.ts';
import { convSize } from './dims.ts';
import { concat } from './ops.ts';
import { type Dim, indices, type Value } from './value.ts';

/** x ≈ scale · (values − zero), with scalar `scale` and `zero`, and 0 represented exactly. */
export interface Quantised {
  /** uint8, of the shape of x. */
  readonly values: Value;
  readonly scale: Value;
  readonly zero: Value;
}

/** Quantises by the range that `x` has at run time (ONNX DynamicQuantizeLinear). */
export function quantise(x: Value): Quantised {
  const [values, scale, zero] = applyAll('DynamicQuantizeLinear', [x]);
  return { values: values!, scale: scale!, zero: zero! };
}

/** Back to float32. */
export function dequantise({ values, scale, zero }: Quantised): Value {
  return apply('DequantizeLinear', [values, scale, zero]);
}

/**
 * a·b + bias in float32: `a` [..., K] uint8, `b` [K, N] int8 with one scale per column [N] and zero point 0.
 * The sum runs in int32, exactly.
 */
export function integerProduct(a: Quantised, b: Value, bScale: Value, bias?: Value): Value {
  return apply('MatMulIntegerToFloat', [a.values, b, a.scale, bScale, a.zero, undefined, bias]);
}

export interface Window {
  readonly kernel: number;
  readonly stride: number;
  /** [top, left, bottom, right]. */
  readonly padding: readonly [number, number, number, number];
}

/**
 * What each place of a convolution sees, as one row: [B, H, W, C] → [B, H', W', kernel·kernel·C], filled with `zero`
 * outside. Columns first, then rows: 2·kernel slices instead of kernel².
 */
export function windows(x: Value, zero: Value, { kernel, stride, padding }: Window): Value {
  const [top, left, bottom, right] = padding;
  const [, height, width] = x.shape as [Dim, Dim, Dim, Dim];
  const tall = convSize(height, kernel, { stride, dilation: 1, pad: top + bottom });
  const wide = convSize(width, kernel, { stride, dilation: 1, pad: left + right });
  const padded = padding.some((size) => size > 0) ? pad(x, zero, padding) : x;
  const columns = shifted(padded, 2, wide, { kernel, stride });
  return shifted(columns, 1, tall, { kernel, stride });
}

function pad(x: Value, fill: Value, [top, left, bottom, right]: Window['padding']): Value {
  const amounts = indices([0, top, left, 0, 0, bottom, right, 0]);
  return apply('Pad', [x, amounts, fill], { mode: { string: 'constant' } });
}

/** `kernel` views of `x`, each one further along `axis`, beside each other in the last axis; `size` is what remains. */
function shifted(
  x: Value,
  axis: number,
  size: Dim,
  { kernel, stride }: Pick<Window, 'kernel' | 'stride'>,
): Value {
  if (kernel === 1 && stride === 1) return x;
  const shape = x.shape.map((dim, at) => (at === axis ? size : dim)).join(',');
  const views = Array.from({ length: kernel }, (_, start) => {
    const behind = kernel - 1 - start;
    const end = behind === 0 ? Number.MAX_SAFE_INTEGER : -behind;
    return apply('Slice', [x, indices([start]), indices([end]), indices([axis]), indices([stride])], {
      emulsion_shape: { string: shape },
    });
  });
  return concat(views, -1);
}
