/**
 * Gradients of convolution and matrix products, in the forms that ran fastest.
 *
 * Milliseconds in onnxruntime-node 1.30 on one core, 3×3 kernels, best of many runs:
 *   batch × channels at size    forward   dW by Conv(xᵀ, dyᵀ)   all nine taps at once   row by row (here)
 *   4 × 16 at 64²                 1.4            9.6                    2.7                  2.5
 *   8 × 64 at 16²                 1.5            6.9                    2.3                  2.1
 *   8 × 128 at 8²                 1.3            4.4                    2.2                  1.7
 *   8 × 128 at 4²                 0.4            1.3                    1.0                  0.7
 *   1 × 320 at 32²               13.5           32                     22.9                 16.1
 * dX on two cores, ConvTranspose / Conv with the turned kernel (turning included):
 *   8 × 16 at 64²  3.2 / 1.6,  8 × 64 at 16²  1.4 / 1.0,  16 × 128 at 8²  2.3 / 2.6,  1 × 1280 at 16²  35 / 99
 */
import { apply } from './apply.ts';
import { intAttribute, intsAttribute, sameShape, unbroadcast } from './gradientHelpers.ts';
import * as ops from './ops.ts';
import { type Attributes, indices, type Node, staticShape, type Value } from './value.ts';

/** Up to here (positions per channel) the kernel is the larger tensor, and rearranging it costs more than it gains. */
const POSITIONS_PER_CHANNEL = 8;

interface Window {
  readonly kernel: readonly [number, number];
  readonly stride: number;
  readonly dilation: number;
  /** top, left, bottom, right */
  readonly pads: readonly [number, number, number, number];
}

/** Conv: gradients of x, w and (when given) the bias. Square strides and dilations, no groups. */
export function convGradients(node: Node, dy: Value): readonly (Value | undefined)[] {
  const [x, w, bias] = node.inputs;
  const window = windowOf(w!, node.attributes);
  const shaped = bias && ops.reshape(bias, [1, staticShape(bias)[0]!, 1, 1]);
  return [
    inputGradient(dy, x!, w!, window),
    kernelGradient(dy, x!, w!, window),
    shaped && ops.reshape(unbroadcast(dy, shaped), staticShape(bias)),
  ];
}

function windowOf(w: Value, attributes: Attributes): Window {
  if (intAttribute(attributes, 'group', 1) !== 1) throw new Error('grouped convolution has no gradient rule');
  const [, , height, width] = staticShape(w);
  return {
    kernel: [height!, width!],
    stride: intsAttribute(attributes, 'strides')?.[0] ?? 1,
    dilation: intsAttribute(attributes, 'dilations')?.[0] ?? 1,
    pads: (intsAttribute(attributes, 'pads') ?? [0, 0, 0, 0]) as Window['pads'],
  };
}

function inputGradient(dy: Value, x: Value, w: Value, window: Window): Value {
  const [batch, channels, height, width] = staticShape(dy);
  const kernelIsSmall = batch! * height! * width! > POSITIONS_PER_CHANNEL * channels!;
  return window.stride === 1 && kernelIsSmall
    ? byTurnedKernel(dy, w, window)
    : byTransposedConv(dy, x, window, w);
}

/** Correlation with the kernel turned by 180° and its channels exchanged. */
function byTurnedKernel(dy: Value, w: Value, { kernel, dilation, pads }: Window): Value {
  const [top, left, bottom, right] = pads;
  const reach = kernel.map((size) => (size - 1) * dilation);
  const [outChannels, inChannels] = staticShape(w);
  const taps = kernel[0] * kernel[1];
  const reversed = indices(Array.from({ length: taps }, (_, i) => taps - 1 - i));
  const flat = ops.reshape(w, [outChannels!, inChannels!, taps]);
  const turned = ops.reshape(ops.transpose(taps > 1 ? ops.gather(flat, reversed, 2) : flat, [1, 0, 2]), [
    inChannels!,
    outChannels!,
    ...kernel,
  ]);
  const padding = [reach[0]! - top, reach[1]! - left, reach[0]! - bottom, reach[1]! - right] as const;
  return ops.conv(dy, turned, undefined, { padding, dilation });
}

function byTransposedConv(dy: Value, x: Value, { kernel, stride, dilation, pads }: Window, w: Value): Value {
  const size = staticShape(x).slice(2);
  const unreached = size.map((length, axis) => {
    const covered = length + pads[axis]! + pads[axis + 2]! - (kernel[axis]! - 1) * dilation - 1;
    return covered % stride;
  });
  return apply('ConvTranspose', [dy, w], {
    strides: { ints: [stride, stride] },
    dilations: { ints: [dilation, dilation] },
    pads: { ints: pads },
    output_padding: { ints: unreached },
  });
}

/**
 * The kernel's gradient: (dy as rows of positions)·(what each tap sees of x)ᵀ, one product per kernel row.
 * Columns are shifted first and then stacked, so that the shift by rows copies long runs of memory.
 */
function kernelGradient(dy: Value, x: Value, w: Value, window: Window): Value {
  const { kernel, stride, dilation, pads } = window;
  const [batch, outChannels, height, width] = staticShape(dy);
  const inChannels = staticShape(x)[1]!;
  const positions = batch! * height! * width!;
  const columns = range(kernel[1]).map((column) =>
    cut(padded(ops.transpose(x, [1, 0, 2, 3]), pads), 3, column * dilation, width!, stride),
  );
  const stacked = ops.concat(columns, 0); // [kw·Cin, B, H + pads, W']
  const rows = ops.reshape(ops.transpose(dy, [1, 0, 2, 3]), [outChannels!, positions]);
  const products = range(kernel[0]).map((row) => {
    const seen = ops.reshape(cut(stacked, 2, row * dilation, height!, stride), [
      kernel[1] * inChannels,
      positions,
    ]);
    return ops.gemm(rows, seen, undefined, { transB: true }); // [Cout, kw·Cin]
  });
  const byTap = ops.reshape(ops.concat(products, 1), [outChannels!, kernel[0] * kernel[1], inChannels]);
  return ops.reshape(ops.transpose(byTap, [0, 2, 1]), staticShape(w));
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

function padded(x: Value, [top, left, bottom, right]: Window['pads']): Value {
  return top + left + bottom + right === 0 ? x : ops.pad(x, [0, 0, top, left], [0, 0, bottom, right]);
}

/** Every `step`-th of x from `start`, `count` of them; x itself when that is all of it. */
function cut(x: Value, axis: number, start: number, count: number, step: number): Value {
  const whole = start === 0 && step === 1 && staticShape(x)[axis] === count;
  return whole ? x : ops.slice(x, axis, start, start + (count - 1) * step + 1, step);
}

/**
 * MatMul, FusedMatMul and Gemm, y = alpha·a'·b' + bias: every gradient is again such a product, so nothing is
 * transposed in memory. A matrix b under a batched a is handled as one flat product.
 */
export function matmulGradients(node: Node, dy: Value): readonly (Value | undefined)[] {
  const [a, b, bias] = node.inputs as readonly [Value, Value, Value | undefined];
  const transA = intAttribute(node.attributes, 'transA', 0) === 1;
  const transB = intAttribute(node.attributes, 'transB', 0) === 1;
  const alpha = node.attributes['alpha'];
  const scale = alpha && 'float' in alpha ? alpha.float : 1;
  const product = (left: Value, right: Value, turnLeft: boolean, turnRight: boolean): Value =>
    ops.matmul(left, right, { transA: turnLeft, transB: turnRight, scale });
  const da = transA ? product(b, dy, transB, true) : product(dy, b, false, !transB);
  return [
    unbroadcast(da, a),
    rightGradient(a, b, dy, { transA, transB }, product),
    bias && unbroadcast(dy, bias),
  ];
}

type Product = (left: Value, right: Value, turnLeft: boolean, turnRight: boolean) => Value;

function rightGradient(
  a: Value,
  b: Value,
  dy: Value,
  turned: { transA: boolean; transB: boolean },
  product: Product,
): Value {
  const flat = !turned.transA && b.shape.length === 2 && a.shape.length > 2;
  const left = flat ? asMatrix(a) : a;
  const right = flat ? asMatrix(dy) : dy;
  const db = turned.transB
    ? product(right, left, true, turned.transA)
    : product(left, right, !turned.transA, false);
  return unbroadcast(db, b);
}

function asMatrix(value: Value): Value {
  const width = staticShape(value).at(-1)!;
  return ops.reshape(value, [-1, width]);
}

/** Resize and AveragePool by whole factors undo each other, up to the number of pixels in a square. */
export function wholeFactor(large: Value, small: Value): number {
  const [, , height, width] = staticShape(large);
  const [, , rows, columns] = staticShape(small);
  const factor = height! / rows!;
  if (!Number.isInteger(factor) || !sameShape([height!, width!], [rows! * factor, columns! * factor]))
    throw new Error(
      `a whole factor is needed, from [${small.shape.join(', ')}] to [${large.shape.join(', ')}]`,
    );
  return factor;
}
