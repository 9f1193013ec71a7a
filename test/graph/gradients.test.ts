/** Every gradient rule against central differences through the real engine, and the walk's errors. */
import { describe, expect, test } from 'vitest';
import { apply } from '../../native-models/graph/apply.ts';
import { convGradients } from '../../native-models/graph/gradientConv.ts';
import { normalised } from '../../native-models/graph/gradientHelpers.ts';
import { gradients } from '../../native-models/graph/gradients.ts';
import * as ops from '../../native-models/graph/ops.ts';
import { constant, indices, input, scalar, type Value, weight } from '../../native-models/graph/value.ts';
import { compareGradients, type Operand, seeded } from '../helpers/numericGradient.ts';

type Body = (a: Value, b: Value, c: Value) => Value;
interface Case {
  readonly name: string;
  readonly shapes: readonly (readonly number[])[];
  readonly body: Body;
  /** Interval of the operands; the default is [-1, 1]. */
  readonly range?: readonly [number, number];
}

const OUTSIDE_ZERO = [0.5, 1.5] as const;
const index = (values: readonly number[], shape: readonly number[]): Value =>
  constant(BigInt64Array.from(values, BigInt), shape);
const conv =
  (options: ops.ConvOptions): Body =>
  (x, w, bias) =>
    ops.conv(x, w, bias, options);
const IMAGE = [2, 3, 5, 6];
const KERNEL = [4, 3, 3, 3];

const CASES: readonly Case[] = [
  { name: 'Add, broadcast on both sides', shapes: [[2, 3, 1], [4]], body: (a, b) => ops.add(a, b) },
  {
    name: 'Add of a channel bias',
    shapes: [
      [2, 3, 2, 2],
      [1, 3, 1, 1],
    ],
    body: (a, b) => ops.add(a, b),
  },
  { name: 'Sub', shapes: [[2, 3], [3]], body: (a, b) => ops.sub(a, b) },
  {
    name: 'Mul',
    shapes: [
      [2, 3],
      [2, 1],
    ],
    body: (a, b) => ops.mul(a, b),
  },
  { name: 'Mul of a value by itself', shapes: [[2, 3]], body: (a) => ops.mul(a, a) },
  { name: 'Div', shapes: [[2, 3], [3]], body: (a, b) => ops.div(a, b), range: OUTSIDE_ZERO },
  { name: 'Pow', shapes: [[2, 3], [3]], body: (a, b) => ops.pow(a, b), range: OUTSIDE_ZERO },
  { name: 'Pow 2', shapes: [[2, 3]], body: (a) => ops.pow(a, 2) },
  { name: 'Min', shapes: [[2, 3], [3]], body: (a, b) => ops.min(a, b) },
  { name: 'Max', shapes: [[2, 3], [3]], body: (a, b) => ops.max(a, b) },
  { name: 'Neg', shapes: [[3]], body: (a) => ops.neg(a) },
  { name: 'Abs', shapes: [[7]], body: (a) => ops.abs(a), range: OUTSIDE_ZERO },
  { name: 'Sqrt', shapes: [[7]], body: (a) => ops.sqrt(a), range: OUTSIDE_ZERO },
  { name: 'Exp', shapes: [[7]], body: (a) => ops.exp(a) },
  { name: 'Log', shapes: [[7]], body: (a) => ops.log(a), range: OUTSIDE_ZERO },
  { name: 'Reciprocal', shapes: [[7]], body: (a) => ops.reciprocal(a), range: OUTSIDE_ZERO },
  { name: 'Sin', shapes: [[7]], body: (a) => ops.sin(a) },
  { name: 'Cos', shapes: [[7]], body: (a) => ops.cos(a) },
  { name: 'Erf', shapes: [[7]], body: (a) => ops.erf(a) },
  { name: 'Sigmoid', shapes: [[7]], body: (a) => ops.sigmoid(a) },
  { name: 'Tanh', shapes: [[7]], body: (a) => ops.tanh(a) },
  { name: 'Relu', shapes: [[7]], body: (a) => ops.relu(ops.sub(a, 0.013)) },
  { name: 'LeakyRelu', shapes: [[7]], body: (a) => ops.leakyRelu(ops.sub(a, 0.013), 0.2) },
  { name: 'Clip', shapes: [[9]], body: (a) => ops.clip(a, -0.6, 0.3) },
  { name: 'Gelu', shapes: [[9]], body: (a) => ops.gelu(a), range: [-3, 3] },
  { name: 'QuickGelu 1.702', shapes: [[9]], body: (a) => ops.quickGelu(a, 1.702), range: [-3, 3] },
  { name: 'QuickGelu 1 (SiLU)', shapes: [[9]], body: (a) => ops.quickGelu(a, 1), range: [-3, 3] },
  { name: 'SiLU by Sigmoid', shapes: [[9]], body: (a) => ops.mul(a, ops.sigmoid(a)), range: [-3, 3] },
  { name: 'Softmax', shapes: [[2, 5]], body: (a) => ops.softmax(a) },
  { name: 'LogSoftmax', shapes: [[2, 5]], body: (a) => ops.logSoftmax(a) },
  {
    name: 'LayerNormalization',
    shapes: [[2, 3, 8], [8], [8]],
    body: (a, b, c) => ops.layerNorm(a, b, c, 1e-5),
  },
  {
    name: 'LayerNormalization with statistics',
    shapes: [[2, 3, 8]],
    body: (a) => normalised(a, 1e-5).unit,
  },
  {
    name: 'InstanceNormalization',
    shapes: [[2, 3, 4, 5], [3], [3]],
    body: (a, b, c) => ops.instanceNorm(a, b, c, 1e-5),
  },
  {
    name: 'InstanceNormalization without scale',
    shapes: [[2, 3, 4, 5]],
    body: (a) =>
      ops.instanceNorm(
        a,
        constant(new Float32Array(3).fill(1), [3]),
        constant(new Float32Array(3), [3]),
        1e-5,
      ),
  },
  { name: 'Conv 3×3', shapes: [IMAGE, KERNEL, [4]], body: conv({ padding: 1 }) },
  { name: 'Conv 3×3, few positions', shapes: [[1, 3, 2, 2], [6, 3, 3, 3], [6]], body: conv({ padding: 1 }) },
  { name: 'Conv without padding', shapes: [IMAGE, KERNEL, [4]], body: conv({}) },
  { name: 'Conv stride 2', shapes: [IMAGE, KERNEL, [4]], body: conv({ stride: 2, padding: 1 }) },
  {
    name: 'Conv stride 2, padded right and below',
    shapes: [[2, 3, 6, 8], KERNEL, [4]],
    body: conv({ stride: 2, padding: [0, 0, 1, 1] }),
  },
  {
    name: 'Conv dilated',
    shapes: [[1, 2, 6, 7], [3, 2, 3, 3], [3]],
    body: conv({ dilation: 2, padding: 2 }),
  },
  { name: 'Conv 1×1', shapes: [IMAGE, [4, 3, 1, 1], [4]], body: conv({}) },
  { name: 'Conv patches', shapes: [[1, 2, 8, 8], [4, 2, 4, 4], [4]], body: conv({ stride: 4 }) },
  {
    name: 'MatMul',
    shapes: [
      [3, 4],
      [4, 2],
    ],
    body: (a, b) => ops.matmul(a, b),
  },
  {
    name: 'MatMul, matrix under a batch',
    shapes: [
      [2, 3, 4],
      [4, 5],
    ],
    body: (a, b) => ops.matmul(a, b),
  },
  {
    name: 'MatMul, batches',
    shapes: [
      [2, 1, 3, 4],
      [2, 4, 5],
    ],
    body: (a, b) => ops.matmul(a, b),
  },
  {
    name: 'FusedMatMul transB',
    shapes: [
      [2, 3, 4],
      [5, 4],
    ],
    body: (a, b) => ops.matmul(a, b, { transB: true, scale: 0.5 }),
  },
  {
    name: 'FusedMatMul transA',
    shapes: [
      [2, 4, 3],
      [2, 4, 5],
    ],
    body: (a, b) => ops.matmul(a, b, { transA: true, scale: 2 }),
  },
  {
    name: 'FusedMatMul transA and transB',
    shapes: [
      [4, 3],
      [5, 4],
    ],
    body: (a, b) => ops.matmul(a, b, { transA: true, transB: true }),
  },
  { name: 'Gemm', shapes: [[3, 4], [4, 2], [2]], body: (a, b, c) => ops.gemm(a, b, c) },
  {
    name: 'Gemm transB',
    shapes: [[3, 4], [2, 4], [2]],
    body: (a, b, c) => ops.gemm(a, b, c, { transB: true }),
  },
  {
    name: 'Gemm transA',
    shapes: [[4, 3], [4, 2], [2]],
    body: (a, b, c) => ops.gemm(a, b, c, { transA: true }),
  },
  {
    name: 'MultiHeadAttention',
    shapes: [
      [2, 3, 8],
      [2, 5, 8],
      [2, 5, 8],
    ],
    body: (a, b, c) => ops.multiHeadAttention(a, b, c, 2),
  },
  { name: 'ReduceSum, axes kept', shapes: [[2, 3, 4]], body: (a) => ops.reduceSum(a, [0, 2]) },
  { name: 'ReduceSum, axes dropped', shapes: [[2, 3, 4]], body: (a) => ops.reduceSum(a, [-2], false) },
  { name: 'ReduceMean', shapes: [[2, 3, 4]], body: (a) => ops.reduceMean(a, [1, 2], false) },
  { name: 'ReduceMax', shapes: [[2, 7]], body: (a) => ops.reduceMax(a, [1]) },
  { name: 'Reshape', shapes: [[2, 6]], body: (a) => ops.reshape(a, [3, -1]) },
  { name: 'Transpose', shapes: [[2, 3, 4]], body: (a) => ops.transpose(a, [2, 0, 1]) },
  {
    name: 'Concat',
    shapes: [
      [2, 3],
      [2, 1],
      [2, 2],
    ],
    body: (a, b, c) => ops.concat([a, b, c], 1),
  },
  { name: 'Concat twice the same', shapes: [[2, 3]], body: (a) => ops.concat([a, a], 0) },
  { name: 'Split, one part unused', shapes: [[2, 6]], body: (a) => ops.split(a, [1, 3, 2], 1)[1]! },
  {
    name: 'Split, parts multiplied',
    shapes: [[2, 4]],
    body: (a) => ops.mul(...(ops.split(a, [2, 2], -1) as [Value, Value])),
  },
  { name: 'Slice', shapes: [[3, 6]], body: (a) => ops.slice(a, 1, 1, -2) },
  { name: 'Slice by steps', shapes: [[3, 7]], body: (a) => ops.slice(a, 1, 1, 7, 2) },
  { name: 'Slice backwards', shapes: [[3, 5]], body: (a) => ops.slice(a, 1, 4, -100, -1) },
  {
    name: 'Slice on two axes',
    shapes: [[4, 5]],
    body: (a) => apply('Slice', [a, indices([1, 0]), indices([4, 5]), indices([0, 1]), indices([1, 2])]),
  },
  { name: 'Pad', shapes: [[2, 3]], body: (a) => ops.pad(a, [0, 1], [1, 2]) },
  { name: 'Expand', shapes: [[3, 1]], body: (a) => ops.expand(a, [2, 3, 4]) },
  {
    name: 'Gather rows, some twice',
    shapes: [[5, 3]],
    body: (a) => ops.gather(a, index([4, 0, 4, 1], [2, 2]), 0),
  },
  { name: 'Gather along axis 1', shapes: [[2, 5, 3]], body: (a) => ops.gather(a, index([4, 0, 4], [3]), 1) },
  { name: 'Gather one position', shapes: [[2, 5, 3]], body: (a) => ops.gather(a, index([2], []), 1) },
  {
    name: 'GatherElements',
    shapes: [[3, 4]],
    body: (a) => ops.gatherElements(a, index([0, 0, 3, 1, 2, 2], [3, 2]), 1),
  },
  { name: 'Resize nearest', shapes: [[1, 2, 2, 3]], body: (a) => ops.upsampleNearest(a, 2) },
  { name: 'Resize ×3', shapes: [[1, 1, 2, 2]], body: (a) => ops.upsampleNearest(a, 3) },
  { name: 'AveragePool', shapes: [[1, 2, 4, 6]], body: (a) => ops.averagePool(a, 2) },
  { name: 'DepthToSpace', shapes: [[1, 8, 2, 3]], body: (a) => ops.pixelShuffle(a, 2) },
  {
    name: 'Where',
    shapes: [[2, 3], [3]],
    body: (a, b) => ops.where(ops.greater(constant(seeded(6, 5), [2, 3]), 0), a, b),
  },
  {
    name: 'Cast there and back',
    shapes: [[5]],
    body: (a) =>
      ops.cast(ops.mul(ops.cast(a, 'float64'), apply('Cast', [scalar(3)], { to: { int: 11 } })), 'float32'),
  },
  { name: 'Identity', shapes: [[5]], body: (a) => apply('Identity', [a]) },
  {
    name: 'Sign, Floor and Round carry none',
    shapes: [[5]],
    body: (a) => ops.add(a, ops.mul(ops.sign(a), 3)),
    range: OUTSIDE_ZERO,
  },
];

function operandsOf({ shapes, range = [-1, 1] }: Case): Operand[] {
  return shapes.map((shape, i) => {
    const count = shape.reduce((a, b) => a * b, 1);
    return { shape, data: seeded(count, 7 + i, ...range) };
  });
}

describe('gradient rules agree with central differences', () => {
  test.each(CASES)('$name', async (item) => {
    const { error } = await compareGradients(
      (...values) => item.body(values[0]!, values[1]!, values[2]!),
      operandsOf(item),
    );
    expect(error).toBeLessThan(4e-3);
  });
});

describe('the reverse walk', () => {
  const x = input('x', 'float32', [2, 3]);

  test('adds up the gradients of a value used several times, also inside', async () => {
    const body = (a: Value): Value => {
      const inner = ops.mul(a, 2);
      return ops.add(ops.mul(inner, inner), ops.tanh(inner));
    };
    const { error } = await compareGradients(body, [{ shape: [2, 3], data: seeded(6, 1) }]);
    expect(error).toBeLessThan(2e-3);
  });

  test('differentiates with respect to a value inside the graph', () => {
    const inner = ops.mul(x, 2);
    const loss = ops.reduceSum(ops.mul(inner, inner), [0, 1], false);
    expect(gradients(loss, [inner])[0]!.shape).toEqual([2, 3]);
  });

  test('names the op without a rule and what stands near it', () => {
    const w = weight('block.7.weight', 'float32', [2, 3], { path: '/w', offset: 0, byteLength: 24 });
    const odd = apply('SpaceToDepth', [ops.reshape(ops.mul(x, w), [1, 1, 2, 3])], { blocksize: { int: 1 } });
    const loss = ops.reduceSum(odd, [0, 1, 2, 3], false);
    expect(() => gradients(loss, [x])).toThrow(/SpaceToDepth \(near "x"\) has no gradient rule/);
    expect(() => gradients(loss, [w])).toThrow(/SpaceToDepth/);
  });

  test('a rule is only needed where a gradient flows', () => {
    const odd = apply('SpaceToDepth', [input('z', 'float32', [1, 1, 2, 3])], { blocksize: { int: 1 } });
    const loss = ops.reduceSum(ops.mul(ops.reshape(odd, [2, 3]), x), [0, 1], false);
    expect(gradients(loss, [x])[0]!.shape).toEqual([2, 3]);
  });

  test('refuses a loss of several numbers, and parameters the loss does not see', () => {
    expect(() => gradients(x, [x])).toThrow(/one number/);
    const loss = ops.reduceSum(x, [0, 1], false);
    expect(() => gradients(loss, [input('stray', 'float32', [1])])).toThrow(/"stray"/);
  });

  test('grouped convolution is refused', () => {
    const image = input('image', 'float32', [1, 4, 3, 3]);
    const y = ops.conv(image, input('w', 'float32', [4, 1, 3, 3]), undefined, { group: 4 });
    const { source } = y;
    expect(() => source.kind === 'node' && convGradients(source.node, y)).toThrow(/grouped/);
  });
});
