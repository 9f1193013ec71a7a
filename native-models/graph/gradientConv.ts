/**
 * Gradients of convolution and matrix products, in the forms that ran fastest.
 *
 * Milliseconds in onnxruntime-node 1.30, 2 cores, 3×3 kernels, best of many runs:
 *   batch × channels at size   forward   dX ConvTranspose / Conv   dW Conv / channel-major / NHWC product
 *   8 × 16 at 64²                1.6        3.2 / 1.6                10.0 /  4.1 /  5.8
 *   8 × 64 at 16²                0.8        1.4 / 1.0                 3.8 /  1.5 /  1.6
 *   16 × 128 at 8²               2.1        2.3 / 2.6                 4.7 /  2.8 /  2.1
 *   16 × 128 at 4²               0.8        0.9 / 1.3                 1.4 /  1.2 /  0.7
 *   1 × 320 at 64²                28         45 / 36                   74 /   43 /   47
 *   1 × 1280 at 16²               29         35 / 99                   89 /   67 /   75
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

/** The kernel's gradient as one matrix product: (dy as columns)·(shifted copies of x as columns)ᵀ. */
function kernelGradient(dy: Value, x: Value, w: Value, window: Window): Value {
  const [batch, outChannels, height, width] = staticShape(dy);
  const inChannels = staticShape(x)[1]!;
  const positions = batch! * height! * width!;
  const taps = window.kernel[0] * window.kernel[1];
  // Few positions, many channels: the columns are long rows of channels, so keep channels last.
  if (positions <= POSITIONS_PER_CHANNEL * outChannels!) {
    const rows = ops.reshape(shiftedCopies(ops.transpose(x, [0, 2, 3, 1]), 1, window, [height!, width!]), [
      positions,
      taps * inChannels,
    ]);
    const columns = ops.reshape(ops.transpose(dy, [0, 2, 3, 1]), [positions, outChannels!]);
    const product = ops.gemm(rows, columns, undefined, { transA: true }); // [taps·Cin, Cout]
    return fromTaps(product, [taps, inChannels, outChannels!], [2, 1, 0], w);
  }
  const rows = ops.reshape(shiftedCopies(ops.transpose(x, [1, 0, 2, 3]), 2, window, [height!, width!]), [
    taps * inChannels,
    positions,
  ]);
  const columns = ops.reshape(ops.transpose(dy, [1, 0, 2, 3]), [outChannels!, positions]);
  const product = ops.gemm(rows, columns, undefined, { transB: true }); // [taps·Cin, Cout]
  return fromTaps(product, [taps, inChannels, outChannels!], [2, 1, 0], w);
}

function fromTaps(product: Value, shape: readonly number[], order: readonly number[], w: Value): Value {
  return ops.reshape(ops.transpose(ops.reshape(product, shape), order), staticShape(w));
}

/**
 * What each tap of the kernel sees of x, side by side: along axis 0 when the rows axis is 2 (channels first),
 * along the last axis when it is 1 (channels last).
 */
function shiftedCopies(x: Value, rowsAxis: 1 | 2, window: Window, size: readonly [number, number]): Value {
  const { kernel, stride, dilation, pads } = window;
  const edges = (first: number, second: number): number[] =>
    [0, 1, 2, 3].map((axis) => (axis === rowsAxis ? first : axis === rowsAxis + 1 ? second : 0));
  const padded = pads.some((amount) => amount > 0)
    ? ops.pad(x, edges(pads[0], pads[1]), edges(pads[2], pads[3]))
    : x;
  const reach = size.map((length) => (length - 1) * stride + 1);
  const copies: Value[] = [];
  for (let row = 0; row < kernel[0]; row++) {
    const band = cut(padded, rowsAxis, row * dilation, reach[0]!, stride);
    for (let column = 0; column < kernel[1]; column++)
      copies.push(cut(band, rowsAxis + 1, column * dilation, reach[1]!, stride));
  }
  return ops.concat(copies, rowsAxis === 2 ? 0 : 3);
}

/** A slice, or the value itself when nothing is cut off. */
function cut(x: Value, axis: number, start: number, length: number, step: number): Value {
  const whole = start === 0 && step === 1 && staticShape(x)[axis] === length;
  return whole ? x : ops.slice(x, axis, start, start + length, step);
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
