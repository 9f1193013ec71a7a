/** Naming and ordering: what becomes a node, an initializer, an input; and that ONNX Runtime accepts the bytes. */
import { Tensor } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { createSession } from '../../main/engine/runtime/sessions.ts';
import { buildGraph, topologicalOrder } from '../../native-models/graph/build.ts';
import { flopsOf } from '../../native-models/graph/flops.ts';
import * as ops from '../../native-models/graph/ops.ts';
import { input, scalar, type Value, weight } from '../../native-models/graph/value.ts';

const x = input('x', 'float32', ['batch', 4]);

test('a value used twice is computed once, producers stand before consumers', () => {
  const shared = ops.exp(x);
  const { nodes } = buildGraph({ y: ops.add(shared, ops.neg(shared)) });
  expect(nodes.map(({ op }) => op)).toEqual(['Exp', 'Neg', 'Add']);
  expect(nodes.at(-1)!.outputs).toEqual(['y']);
});

test('equal small constants and equal weights are stored once, different places twice', () => {
  const at = (offset: number): Value => weight('w', 'float32', [4], { path: '/w', offset, byteLength: 16 });
  const y = ops.add(ops.mul(ops.mul(x, at(0)), at(0)), ops.mul(ops.mul(x, at(16)), 2));
  const { initializers } = buildGraph({ y, z: ops.mul(x, 2) });
  expect(initializers.filter((initializer) => 'location' in initializer)).toHaveLength(2);
  expect(initializers.filter((initializer) => 'data' in initializer)).toHaveLength(1);
});

test('an output that is an input, or another output again, is copied under its own name', async () => {
  const doubled = ops.mul(x, 2);
  const session = await createSession(buildGraph({ same: x, one: doubled, two: doubled }));
  const outputs = await session.run({ x: new Tensor('float32', Float32Array.of(1, 2, 3, 4), [1, 4]) });
  expect(Array.from(outputs['same']!.data as Float32Array)).toEqual([1, 2, 3, 4]);
  expect(Array.from(outputs['two']!.data as Float32Array)).toEqual([2, 4, 6, 8]);
  await session.release();
});

test('the same input name with another shape is refused by name', () => {
  expect(() => buildGraph({ y: ops.add(x, input('x', 'float32', [4])) })).toThrow(
    /input "x" is declared twice/,
  );
});

test('a graph deeper than the call stack is ordered', () => {
  let deep: Value = x;
  for (let i = 0; i < 50_000; i++) deep = ops.neg(deep);
  expect(topologicalOrder([deep])).toHaveLength(50_000);
});

test('reshape keeps run-time sizes: one graph serves every batch and length', async () => {
  const tokens = input('tokens', 'float32', ['batch', 'length', 6]);
  const heads = ops.reshape(tokens, [ops.extent(tokens, 0), ops.extent(tokens, 1), 2, 3]);
  const back = ops.reshape(ops.transpose(heads, [0, 2, 1, 3]), [-1, 3]);
  expect(heads.shape).toEqual(['batch', 'length', 2, 3]);
  const session = await createSession(buildGraph({ back }));
  for (const [batch, length] of [
    [1, 5],
    [3, 2],
  ] as const) {
    const data = new Float32Array(batch * length * 6);
    const { back: result } = await session.run({ tokens: new Tensor('float32', data, [batch, length, 6]) });
    expect(result!.dims).toEqual([batch * 2 * length, 3]);
  }
  await session.release();
});

test.each<[name: string, build: () => unknown, says: RegExp]>([
  [
    'products',
    () => ops.matmul(input('a', 'float32', [2, 3]), input('b', 'float32', [4, 5])),
    /inner sizes 3 and 4 differ/,
  ],
  [
    'broadcasts',
    () => ops.add(input('a', 'float32', [2, 3]), input('b', 'float32', [4])),
    /3 and 4 cannot be broadcast/,
  ],
  ['reshapes', () => ops.reshape(input('a', 'float32', [2, 3]), [4, -1]), /6 elements do not fit/],
  [
    'kernels',
    () => ops.conv(input('a', 'float32', [1, 3, 8, 8]), input('w', 'float32', [4, 5, 3, 3])),
    /takes 5 channels, the input has 3/,
  ],
])('%s that do not fit are refused while building', (_name, build, says) => {
  expect(build).toThrow(says);
});

test('operations are counted as two per multiply-add, whichever operand lies transposed', () => {
  const a = input('a', 'float32', [2, 10, 30]);
  expect(flopsOf([ops.matmul(a, input('b', 'float32', [30, 7]))])).toBe(2 * 2 * 10 * 30 * 7);
  expect(flopsOf([ops.matmul(a, input('b', 'float32', [7, 30]), { transB: true })])).toBe(
    2 * 2 * 10 * 30 * 7,
  );
  const image = input('i', 'float32', [1, 8, 16, 16]);
  const kernel = input('k', 'float32', [4, 8, 3, 3]);
  expect(flopsOf([ops.conv(image, kernel, undefined, { stride: 2, padding: 1 })])).toBe(
    2 * 4 * 8 * 8 * 8 * 9,
  );
  expect(flopsOf([ops.add(image, scalar(1))])).toBe(0);
});
