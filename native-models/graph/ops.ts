/**
 * One typed function per operation. Layers are written with these and know nothing of ONNX.
 * Activations are laid out [batch, channels, height, width] or [batch, tokens, channels].
 */
import { apply, applyAll } from './apply.ts';
import { onnxDtypeNumber } from './shapes.ts';
import { constant, type Dim, type Dtype, indices, scalar, type Value } from './value.ts';

const unary =
  (
    op:
      | 'Abs'
      | 'Neg'
      | 'Sign'
      | 'Sqrt'
      | 'Exp'
      | 'Log'
      | 'Reciprocal'
      | 'Erf'
      | 'Sin'
      | 'Cos'
      | 'Sigmoid'
      | 'Tanh'
      | 'Relu',
  ) =>
  (x: Value): Value =>
    apply(op, [x]);
const binary =
  (op: 'Add' | 'Sub' | 'Mul' | 'Div' | 'Pow' | 'Min' | 'Max' | 'Equal' | 'Less' | 'Greater') =>
  (a: Value, b: Value | number): Value =>
    apply(op, [a, typeof b === 'number' ? scalar(b, a.dtype) : b]);

export const abs = unary('Abs');
export const neg = unary('Neg');
export const sign = unary('Sign');
export const sqrt = unary('Sqrt');
export const exp = unary('Exp');
export const log = unary('Log');
export const reciprocal = unary('Reciprocal');
export const erf = unary('Erf');
export const sin = unary('Sin');
export const cos = unary('Cos');
export const sigmoid = unary('Sigmoid');
export const tanh = unary('Tanh');
export const relu = unary('Relu');
export const add = binary('Add');
export const sub = binary('Sub');
export const mul = binary('Mul');
export const div = binary('Div');
export const pow = binary('Pow');
export const min = binary('Min');
export const max = binary('Max');
export const equal = binary('Equal');
export const less = binary('Less');
export const greater = binary('Greater');

/** `condition ? x : y`, element by element. */
export function where(condition: Value, x: Value, y: Value): Value {
  return apply('Where', [condition, x, y]);
}

/** No node when the type is already right. */
export function cast(x: Value, dtype: Dtype): Value {
  return x.dtype === dtype ? x : apply('Cast', [x], { to: { int: onnxDtypeNumber(dtype) } });
}

/** Matrix product over the last two axes; `transB` takes a weight as torch stores it, [out, in]. */
export function matmul(
  a: Value,
  b: Value,
  options: { transA?: boolean; transB?: boolean; scale?: number } = {},
): Value {
  const { transA = false, transB = false, scale = 1 } = options;
  if (!transA && !transB && scale === 1) return apply('MatMul', [a, b]);
  return apply('FusedMatMul', [a, b], {
    transA: { int: Number(transA) },
    transB: { int: Number(transB) },
    alpha: { float: scale },
  });
}

/** a·b + bias for matrices; `transB` as in matmul. */
export function gemm(
  a: Value,
  b: Value,
  bias?: Value,
  options: { transA?: boolean; transB?: boolean } = {},
): Value {
  return apply('Gemm', [a, b, bias], {
    transA: { int: Number(options.transA ?? false) },
    transB: { int: Number(options.transB ?? false) },
  });
}

export interface ConvOptions {
  readonly stride?: number;
  /** One number for all sides, or [top, left, bottom, right]. */
  readonly padding?: number | readonly [number, number, number, number];
  readonly dilation?: number;
  readonly group?: number;
}

/** Convolution: x [B, Cin, H, W], w [Cout, Cin/group, kh, kw] → [B, Cout, H', W']. */
export function conv(x: Value, w: Value, bias?: Value, options: ConvOptions = {}): Value {
  const { stride = 1, padding = 0, dilation = 1, group = 1 } = options;
  return apply('Conv', [x, w, bias], {
    strides: { ints: [stride, stride] },
    pads: { ints: typeof padding === 'number' ? [padding, padding, padding, padding] : padding },
    dilations: { ints: [dilation, dilation] },
    group: { int: group },
  });
}

/** Softmax along the last axis. */
export function softmax(x: Value): Value {
  return apply('Softmax', [x], { axis: { int: -1 } });
}

/** log(softmax(x)) along the last axis. */
export function logSoftmax(x: Value): Value {
  return apply('LogSoftmax', [x], { axis: { int: -1 } });
}

/** Normalises the last axis, then scales and shifts. */
export function layerNorm(x: Value, scale: Value, shift: Value, epsilon: number): Value {
  return apply('LayerNormalization', [x, scale, shift], { axis: { int: -1 }, epsilon: { float: epsilon } });
}

/** Normalises every channel of every item over its remaining axes. */
export function instanceNorm(x: Value, scale: Value, shift: Value, epsilon: number): Value {
  return apply('InstanceNormalization', [x, scale, shift], { epsilon: { float: epsilon } });
}

/** x·sigmoid(alpha·x) in one node; alpha 1 is SiLU, 1.702 OpenAI's QuickGELU. */
export function quickGelu(x: Value, alpha: number): Value {
  return apply('QuickGelu', [x], { alpha: { float: alpha } });
}

/** GELU by the error function. */
export function gelu(x: Value): Value {
  return apply('Gelu', [x]);
}

/** x where it is positive, slope·x elsewhere. */
export function leakyRelu(x: Value, slope: number): Value {
  return apply('LeakyRelu', [x], { alpha: { float: slope } });
}

/** max(x, 0) + slope·min(x, 0); `slope` broadcasts to x. Has no gradient rule: training writes it out. */
export function prelu(x: Value, slope: Value): Value {
  return apply('PRelu', [x, slope]);
}

/** Clamps to [low, high]. */
export function clip(x: Value, low: number, high: number): Value {
  return apply('Clip', [x, scalar(low, x.dtype), scalar(high, x.dtype)]);
}

/** Fused attention of ONNX Runtime: q [B, Tq, C], k and v [B, Tk, C]; scale 1/√(C/heads). */
export function multiHeadAttention(query: Value, key: Value, value: Value, heads: number): Value {
  return apply('MultiHeadAttention', [query, key, value], { num_heads: { int: heads } });
}

const reduction =
  (op: 'ReduceSum' | 'ReduceMean' | 'ReduceMax') =>
  (x: Value, axes: readonly number[], keepDims = true): Value =>
    apply(op, [x, indices(axes)], { keepdims: { int: Number(keepDims) } });
export const reduceSum = reduction('ReduceSum');
export const reduceMean = reduction('ReduceMean');
export const reduceMax = reduction('ReduceMax');

/** Index of the largest element along `axis`, which disappears. */
export function argMax(x: Value, axis: number): Value {
  return apply('ArgMax', [x], { axis: { int: axis }, keepdims: { int: 0 } });
}

/** A size for reshape and resize: a number, -1 for "the rest", or a size of another value known at run time. */
export type Extent = number | { readonly of: Value; readonly axis: number };

/** Size of `x` along `axis`: a number when known, else a reference to be read at run time. */
export function extent(x: Value, axis: number): Extent {
  const at = (axis + x.shape.length) % x.shape.length;
  const dim = x.shape[at]!;
  return typeof dim === 'number' ? dim : { of: x, axis: at };
}

/** Reshape; run-time sizes in place (same axis, same symbol) need no extra node. */
export function reshape(x: Value, extents: readonly Extent[]): Value {
  const plain = extents.map((item, axis): number | undefined => {
    if (typeof item === 'number') return item;
    return x.shape[axis] === item.of.shape[item.axis] ? 0 : undefined;
  });
  const unknown = plain.filter((item) => item === undefined).length;
  // One unknown size can be left for the runtime to work out.
  if (unknown === 0) return apply('Reshape', [x, indices(plain as number[])]);
  if (unknown === 1 && !plain.includes(-1))
    return apply('Reshape', [x, indices(plain.map((item) => item ?? -1))], symbols(extents));
  return apply('Reshape', [x, sizesValue(extents)], symbols(extents));
}

function symbols(extents: readonly Extent[]): { emulsion_shape: { string: string } } | Record<string, never> {
  if (extents.includes(-1)) return {};
  return { emulsion_shape: { string: extents.map(symbolOf).join(',') } };
}

function symbolOf(item: Extent): Dim {
  return typeof item === 'number' ? item : item.of.shape[item.axis]!;
}

function sizesValue(extents: readonly Extent[]): Value {
  if (extents.every((item) => typeof item === 'number')) return indices(extents);
  const parts = extents.map((item) => {
    if (typeof item === 'number') return indices([item]);
    return apply('Gather', [apply('Shape', [item.of]), indices([item.axis])], { axis: { int: 0 } });
  });
  return concat(parts, 0);
}

/** Axis i of the result is axis permutation[i] of x. */
export function transpose(x: Value, permutation: readonly number[]): Value {
  return apply('Transpose', [x], { perm: { ints: permutation } });
}

/** One behind another along `axis`; all other sizes agree. */
export function concat(values: readonly Value[], axis: number): Value {
  return values.length === 1 ? values[0]! : apply('Concat', values, { axis: { int: axis } });
}

/** Cuts along `axis` into parts of the given sizes. */
export function split(x: Value, sizes: readonly number[], axis: number): readonly Value[] {
  return applyAll('Split', [x, indices(sizes)], { axis: { int: axis } });
}

/** x[start:end:step] along one axis; negative `start`/`end` count from the end. */
export function slice(x: Value, axis: number, start: number, end: number, step = 1): Value {
  return apply('Slice', [x, indices([start]), indices([end]), indices([axis]), indices([step])]);
}

/** The upper left part of [B, C, H, W] that has the height and width of `like`. */
export function cropLike(x: Value, like: Value): Value {
  const sizes = [extent(like, 2), extent(like, 3)];
  const shape = [...x.shape.slice(0, 2), ...sizes.map(symbolOf)].join(',');
  return apply('Slice', [x, indices([0, 0]), sizesValue(sizes), indices([2, 3])], {
    emulsion_shape: { string: shape },
  });
}

/** Pads with zeros: `before` and `after` per axis. */
export function pad(x: Value, before: readonly number[], after: readonly number[], fill = 0): Value {
  return apply('Pad', [x, indices([...before, ...after]), scalar(fill)], { mode: { string: 'constant' } });
}

/** Repeats to `shape` by broadcasting. */
export function expand(x: Value, shape: readonly number[]): Value {
  return apply('Expand', [x, indices(shape)]);
}

/** Rows of `x` along `axis`, chosen by int64 `index`. */
export function gather(x: Value, index: Value, axis: number): Value {
  return apply('Gather', [x, index], { axis: { int: axis } });
}

/** out[i][j] = x[i][index[i][j]] along `axis`. */
export function gatherElements(x: Value, index: Value, axis: number): Value {
  return apply('GatherElements', [x, index], { axis: { int: axis } });
}

const NEAREST = {
  mode: { string: 'nearest' },
  coordinate_transformation_mode: { string: 'asymmetric' },
  nearest_mode: { string: 'floor' },
} as const;

/** Nearest-neighbour enlargement of [B, C, H, W] by a whole factor. */
export function upsampleNearest(x: Value, factor: number): Value {
  return apply('Resize', [x, undefined, constant(Float32Array.of(1, 1, factor, factor), [4])], NEAREST);
}

/** Nearest-neighbour resize of [B, C, H, W] to the height and width of `like`. */
export function resizeNearestLike(x: Value, like: Value): Value {
  const extents = [extent(x, 0), extent(x, 1), extent(like, 2), extent(like, 3)];
  return apply('Resize', [x, undefined, undefined, sizesValue(extents)], { ...NEAREST, ...symbols(extents) });
}

/** Mean over non-overlapping squares of [B, C, H, W]; what is left over is dropped or, `roundUp`, averaged by itself. */
export function averagePool(x: Value, size: number, { roundUp = false } = {}): Value {
  const window = { kernel_shape: { ints: [size, size] }, strides: { ints: [size, size] } };
  return apply('AveragePool', [x], roundUp ? { ...window, ceil_mode: { int: 1 } } : window);
}

/** torch.pixel_shuffle: [B, C·r², H, W] → [B, C, H·r, W·r]. */
export function pixelShuffle(x: Value, factor: number): Value {
  return apply('DepthToSpace', [x], { blocksize: { int: factor }, mode: { string: 'CRD' } });
}
