/**
 * Shape inference: a table op → rule, and the list of ops the graph knows.
 * Rules check what they can and keep run-time sizes symbolic. Semantics: ONNX operator set 20 and com.microsoft 1.
 */
import { broadcast, convSize, product, unsame } from './dims.ts';
import {
  type Attributes,
  constantInts,
  type Dim,
  type Dtype,
  type Shape,
  type Value,
  type ValueType,
} from './value.ts';

type Inputs = readonly (Value | undefined)[];
type Rule = (inputs: Inputs, attributes: Attributes) => readonly ValueType[];

const one = (shape: Shape, dtype: Dtype): readonly ValueType[] => [{ shape, dtype }];
const same: Rule = ([x]) => one(x!.shape, x!.dtype);
const elementwise: Rule = (inputs) => {
  const [first, ...others] = inputs.map((value) => value!.dtype);
  const other = others.find((dtype) => dtype !== first);
  if (other) throw new Error(`types ${first} and ${other} differ`);
  return one(inputs.map((value) => value!.shape).reduce(broadcast), first!);
};
const comparison: Rule = (inputs) => one(inputs.map((value) => value!.shape).reduce(broadcast), 'bool');

const SHAPE_RULES = {
  Abs: same, Neg: same, Sign: same, Sqrt: same, Exp: same, Log: same, Reciprocal: same, Erf: same, Sin: same, Cos: same,
  Sigmoid: same, Tanh: same, Relu: same, LeakyRelu: same, PRelu: same, Clip: same, Softmax: same, LogSoftmax: same, Identity: same,
  Gelu: same, QuickGelu: same, InstanceNormalization: same, Floor: same, Round: same,
  Add: elementwise, Sub: elementwise, Mul: elementwise, Div: elementwise, Pow: elementwise, Min: elementwise, Max: elementwise,
  Equal: comparison, Less: comparison, Greater: comparison,
  Where: ([condition, x, y]) => one(broadcast(broadcast(condition!.shape, x!.shape), y!.shape), x!.dtype),
  Cast: ([x], { to }) => one(x!.shape, onnxDtype(intOf(to))),
  Conv: convRule,
  ConvTranspose: convTransposeRule,
  MatMul: ([a, b]) => one(matmulShape(a!.shape, b!.shape), a!.dtype),
  FusedMatMul: ([a, b], { transA, transB }) => one(matmulShape(swapIf(a!.shape, transA), swapIf(b!.shape, transB)), a!.dtype),
  Gemm: ([a, b], { transA, transB }) => one(matmulShape(swapIf(a!.shape, transA), swapIf(b!.shape, transB)), a!.dtype),
  MatMulIntegerToFloat: ([a, b]) => one(matmulShape(a!.shape, b!.shape), 'float32'),
  DynamicQuantizeLinear: ([x]) => [
    { shape: x!.shape, dtype: 'uint8' },
    { shape: [], dtype: 'float32' },
    { shape: [], dtype: 'uint8' },
  ],
  DequantizeLinear: ([x]) => one(x!.shape, 'float32'),
  LayerNormalization: layerNormRule,
  MultiHeadAttention: ([query, , value]) => one([...query!.shape.slice(0, 2), value!.shape[2]!], query!.dtype),
  ReduceSum: reduceRule, ReduceMean: reduceRule, ReduceMax: reduceRule,
  ArgMax: ([x], { axis, keepdims }) => one(reducedShape(x!.shape, [intOf(axis)], intOf(keepdims, 1)), 'int64'),
  Reshape: ([x, shape], attributes) => one(reshapedShape(x!.shape, constantInts(shape), shape!, attributes), x!.dtype),
  Transpose: ([x], { perm }) => one(intsOf(perm).map((axis) => x!.shape[axis]!), x!.dtype),
  Concat: concatRule,
  Split: splitRule,
  Slice: sliceRule,
  Pad: padRule,
  Expand: ([x, shape]) => one(constantInts(shape) ? broadcast(x!.shape, constantInts(shape)!) : x!.shape, x!.dtype),
  Gather: ([x, index], { axis }) => one(gatherShape(x!.shape, index!.shape, intOf(axis)), x!.dtype),
  GatherElements: ([x, index]) => one(index!.shape, x!.dtype),
  ScatterElements: same, ScatterND: same,
  Resize: resizeRule,
  AveragePool: poolRule,
  DepthToSpace: ([x], { blocksize }) => one(blockShape(x!.shape, intOf(blocksize), 1), x!.dtype),
  SpaceToDepth: ([x], { blocksize }) => one(blockShape(x!.shape, intOf(blocksize), -1), x!.dtype),
  Shape: ([x]) => one([x!.shape.length], 'int64'),
} satisfies Record<string, Rule>; // biome-ignore format: a table

/** Every op a graph may contain. */
export type OpName = keyof typeof SHAPE_RULES;

/** Ops that live in ONNX Runtime's own domain. */
export const MICROSOFT_OPS: ReadonlySet<OpName> = new Set<OpName>([
  'FusedMatMul',
  'QuickGelu',
  'MatMulIntegerToFloat',
  'MultiHeadAttention',
]);

/** Output types of `op`; throws with the op's name when the inputs do not fit. */
export function inferOutputs(op: OpName, inputs: Inputs, attributes: Attributes): readonly ValueType[] {
  try {
    return SHAPE_RULES[op](inputs, attributes);
  } catch (cause) {
    const shapes = inputs.map((value) => (value ? `[${value.shape.join(', ')}]` : '–')).join(' ');
    throw new Error(`${op}: ${(cause as Error).message} (inputs ${shapes})`, { cause });
  }
}

const ONNX_DTYPES: Readonly<Record<Dtype, number>> = {
  float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9, float16: 10, float64: 11, bfloat16: 16, float8e4m3: 17, float8e5m2: 19,
}; // biome-ignore format: a table

/** TensorProto.DataType of a dtype. */
export function onnxDtypeNumber(dtype: Dtype): number {
  return ONNX_DTYPES[dtype];
}

function onnxDtype(code: number): Dtype {
  const found = (Object.keys(ONNX_DTYPES) as Dtype[]).find((dtype) => ONNX_DTYPES[dtype] === code);
  if (!found) throw new Error(`unknown ONNX type ${code}`);
  return found;
}

type MaybeAttribute = Attributes[string] | undefined;

function intOf(attribute: MaybeAttribute, fallback?: number): number {
  if (attribute && 'int' in attribute) return attribute.int;
  if (fallback === undefined) throw new Error('a whole-number attribute is missing');
  return fallback;
}

function intsOf(attribute: MaybeAttribute, fallback?: readonly number[]): readonly number[] {
  if (attribute && 'ints' in attribute) return attribute.ints;
  if (fallback === undefined) throw new Error('a list attribute is missing');
  return fallback;
}

function swapIf(shape: Shape, transposed: MaybeAttribute): Shape {
  return intOf(transposed, 0) ? [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!] : shape;
}

function matmulShape(a: Shape, b: Shape): Shape {
  if (unsame(a.at(-1)!, b.at(-2)!)) throw new Error(`inner sizes ${a.at(-1)} and ${b.at(-2)} differ`);
  return [...broadcast(a.slice(0, -2), b.slice(0, -2)), a.at(-2)!, b.at(-1)!];
}

function convRule([x, w]: Inputs, attributes: Attributes): readonly ValueType[] {
  const [batch, channels, ...spatial] = x!.shape;
  const [outChannels, inChannels, ...kernel] = w!.shape;
  const group = intOf(attributes['group'], 1);
  if (typeof channels === 'number' && typeof inChannels === 'number' && channels !== inChannels * group) {
    throw new Error(`the kernel takes ${inChannels * group} channels, the input has ${channels}`);
  }
  const sizes = spatial.map((size, axis) =>
    convSize(size, kernel[axis]!, windowOf(attributes, axis, spatial.length)),
  );
  return one([batch!, outChannels!, ...sizes], x!.dtype);
}

function convTransposeRule([x, w]: Inputs, attributes: Attributes): readonly ValueType[] {
  const [batch, , ...spatial] = x!.shape;
  const [, outChannels, ...kernel] = w!.shape;
  const extra = intsOf(
    attributes['output_padding'],
    spatial.map(() => 0),
  );
  const sizes = spatial.map((size, axis) => {
    const { stride, dilation, pad } = windowOf(attributes, axis, spatial.length);
    if (typeof size !== 'number' || typeof kernel[axis] !== 'number') return `${size}*${stride}`;
    return (size - 1) * stride + (kernel[axis] - 1) * dilation + 1 - pad + extra[axis]!;
  });
  return one(
    [
      batch!,
      typeof outChannels === 'number' ? outChannels * intOf(attributes['group'], 1) : outChannels!,
      ...sizes,
    ],
    x!.dtype,
  );
}

function poolRule([x]: Inputs, attributes: Attributes): readonly ValueType[] {
  const [batch, channels, ...spatial] = x!.shape;
  const kernel = intsOf(attributes['kernel_shape']);
  const sizes = spatial.map((size, axis) => {
    const window = windowOf(attributes, axis, spatial.length);
    const roundUp = intOf(attributes['ceil_mode'], 0) * (window.stride - 1);
    return convSize(size, kernel[axis]!, { ...window, pad: window.pad + roundUp });
  });
  return one([batch!, channels!, ...sizes], x!.dtype);
}

/** Stride, dilation and total padding along one spatial axis. */
function windowOf(
  attributes: Attributes,
  axis: number,
  rank: number,
): { stride: number; dilation: number; pad: number } {
  const pads = intsOf(attributes['pads'], []);
  return {
    stride: intsOf(attributes['strides'], [])[axis] ?? 1,
    dilation: intsOf(attributes['dilations'], [])[axis] ?? 1,
    pad: (pads[axis] ?? 0) + (pads[axis + rank] ?? 0),
  };
}

/** Mean and 1/deviation are outputs two and three when the (private) attribute asks for them. */
function layerNormRule([x]: Inputs, { emulsion_outputs }: Attributes): readonly ValueType[] {
  const statistics = { shape: [...x!.shape.slice(0, -1), 1], dtype: x!.dtype };
  return [{ shape: x!.shape, dtype: x!.dtype }, statistics, statistics].slice(0, intOf(emulsion_outputs, 1));
}

function reduceRule([x, axes]: Inputs, { keepdims }: Attributes): readonly ValueType[] {
  const list = constantInts(axes) ?? x!.shape.map((_, axis) => axis);
  return one(reducedShape(x!.shape, list, intOf(keepdims, 1)), x!.dtype);
}

function reducedShape(shape: Shape, axes: readonly number[], keepdims: number): Shape {
  const reduced = new Set(axes.map((axis) => (axis + shape.length) % shape.length));
  return keepdims
    ? shape.map((dim, axis) => (reduced.has(axis) ? 1 : dim))
    : shape.filter((_, axis) => !reduced.has(axis));
}

/** A shape computed at run time carries its symbolic result in a private attribute (see ops.reshape). */
function privateShape({ emulsion_shape: shape }: Attributes): Shape | undefined {
  if (!shape || !('string' in shape)) return undefined;
  return shape.string.split(',').map((dim) => (/^\d+$/.test(dim) ? Number(dim) : dim));
}

function reshapedShape(
  from: Shape,
  target: number[] | undefined,
  shape: Value,
  attributes: Attributes,
): Shape {
  const symbolic = privateShape(attributes);
  if (symbolic) return symbolic;
  if (!target) return Array.from({ length: Number(shape.shape[0]) }, (_, axis) => `?${axis}`);
  const copied: Dim[] = target.map((dim, axis) => (dim === 0 ? from[axis]! : dim));
  const rest = copied.indexOf(-1);
  if (rest < 0) {
    if (unsame(product(from), product(copied)))
      throw new Error(`${product(from)} elements do not fit [${copied.join(', ')}]`);
    return copied;
  }
  const known = product(copied.filter((_, axis) => axis !== rest));
  const total = product(from);
  copied[rest] =
    typeof total === 'number' && typeof known === 'number' ? total / known : `(${total})/(${known})`;
  if (typeof copied[rest] === 'number' && !Number.isInteger(copied[rest]))
    throw new Error(`${total} elements do not fit [${target.join(', ')}]`);
  return copied;
}

function concatRule(inputs: Inputs, { axis }: Attributes): readonly ValueType[] {
  const first = inputs[0]!;
  const at = (intOf(axis) + first.shape.length) % first.shape.length;
  const sizes = inputs.map((value) => value!.shape[at]!);
  const total = sizes.every((size) => typeof size === 'number')
    ? sizes.reduce((a, b) => a + b, 0)
    : sizes.join('+');
  return one(
    first.shape.map((dim, index) => (index === at ? total : dim)),
    first.dtype,
  );
}

function splitRule([x, sizes]: Inputs, { axis }: Attributes): readonly ValueType[] {
  const at = (intOf(axis) + x!.shape.length) % x!.shape.length;
  const parts = constantInts(sizes);
  if (!parts) throw new Error('the split sizes must be constant');
  return parts.map((size) => ({
    shape: x!.shape.map((dim, index) => (index === at ? size : dim)),
    dtype: x!.dtype,
  }));
}

function sliceRule([x, starts, ends, axes, steps]: Inputs, attributes: Attributes): readonly ValueType[] {
  const known = privateShape(attributes);
  if (known) return one(known, x!.dtype);
  const [from, to, on, by] = [starts, ends, axes, steps].map(constantInts);
  const shape = [...x!.shape];
  for (const [i, axisRaw] of (on ?? []).entries()) {
    const axis = (axisRaw + shape.length) % shape.length;
    const size = shape[axis]!;
    shape[axis] =
      from && to && typeof size === 'number' ? slicedSize(size, from[i]!, to[i]!, by?.[i] ?? 1) : `${size}[]`;
  }
  return one(shape, x!.dtype);
}

function slicedSize(size: number, start: number, end: number, step: number): number {
  const wrap = (at: number): number => (at < 0 ? at + size : at);
  if (step > 0) return Math.max(0, Math.ceil((Math.min(wrap(end), size) - Math.max(wrap(start), 0)) / step));
  return Math.max(0, Math.ceil((Math.max(wrap(end), -1) - Math.min(wrap(start), size - 1)) / step));
}

function padRule([x, pads]: Inputs): readonly ValueType[] {
  const amounts = constantInts(pads);
  const rank = x!.shape.length;
  if (!amounts)
    return one(
      x!.shape.map((dim) => `${dim}+pad`),
      x!.dtype,
    );
  const grown = x!.shape.map((dim, axis) => {
    const extra = amounts[axis]! + amounts[axis + rank]!;
    return extra === 0 ? dim : typeof dim === 'number' ? dim + extra : `${dim}+${extra}`;
  });
  return one(grown, x!.dtype);
}

function gatherShape(data: Shape, index: Shape, axis: number): Shape {
  const at = (axis + data.length) % data.length;
  return [...data.slice(0, at), ...index, ...data.slice(at + 1)];
}

/** Resize takes `scales` (third input) or `sizes` (fourth). */
function resizeRule([x, , scales, sizes]: Inputs, attributes: Attributes): readonly ValueType[] {
  if (sizes) return one(reshapedShape(x!.shape, constantInts(sizes), sizes, attributes), x!.dtype);
  if (scales?.source.kind !== 'constant') throw new Error('constant scales or sizes are needed');
  const factors = Array.from(scales.source.data, Number);
  const scaled = x!.shape.map((dim, axis) => {
    const factor = factors[axis]!;
    if (factor === 1) return dim;
    return typeof dim === 'number' ? Math.floor(dim * factor) : `${dim}*${factor}`;
  });
  return one(scaled, x!.dtype);
}

function blockShape([batch, channels, height, width]: Shape, block: number, direction: 1 | -1): Shape {
  const scale = (dim: Dim, factor: number): Dim =>
    typeof dim === 'number' ? dim * factor : `${dim}*${factor}`;
  const spatial = direction === 1 ? block : 1 / block;
  return [
    batch!,
    scale(channels!, direction === 1 ? 1 / block ** 2 : block ** 2),
    scale(height!, spatial),
    scale(width!, spatial),
  ];
}
