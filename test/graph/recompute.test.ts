/** Gradient checkpointing: the same gradients, less memory. */
import { describe, expect, test } from 'vitest';
import { topologicalOrder } from '../../native-models/graph/build.ts';
import { gradients } from '../../native-models/graph/gradients.ts';
import * as ops from '../../native-models/graph/ops.ts';
import { isAttentionWeight, recomputedGradients } from '../../native-models/graph/recompute.ts';
import { input, type Node, type Value } from '../../native-models/graph/value.ts';
import { expectClose } from '../helpers/close.ts';
import { feedsOf, type Operand, seeded, session } from '../helpers/numericGradient.ts';
import { peakMemory } from '../helpers/peakMemory.ts';

interface Net {
  readonly inputs: readonly Value[];
  readonly loss: Value;
  readonly checkpoints: readonly Value[];
}

/** Blocks with a kernel of their own, a value that all of them read, and a skip from the first to the last. */
function network(blocks: number, channels: number, size: number): Net {
  const x = input('x0', 'float32', [1, channels, size, size]);
  const shared = input('x1', 'float32', [1, channels, 1, 1]);
  const kernels = Array.from({ length: blocks }, (_, i) =>
    input(`x${i + 2}`, 'float32', [channels, channels, 3, 3]),
  );
  const guide = ops.tanh(shared);
  const checkpoints: Value[] = [];
  let y = x;
  for (const kernel of kernels) {
    const inner = ops.quickGelu(ops.conv(ops.mul(ops.tanh(y), guide), kernel, undefined, { padding: 1 }), 1);
    y = ops.add(ops.sigmoid(ops.mul(inner, inner)), y);
    checkpoints.push(y);
  }
  y = ops.mul(y, checkpoints[0]!);
  return {
    inputs: [x, shared, ...kernels],
    loss: ops.reduceMean(ops.mul(y, y), [0, 1, 2, 3], false),
    checkpoints,
  };
}

const named = (values: readonly Value[]): Record<string, Value> =>
  Object.fromEntries(values.map((value, index) => [`d${index}`, value]));

async function run(values: readonly Value[], operands: readonly Operand[]): Promise<Float32Array[]> {
  const opened = await session(named(values));
  const found = await opened.run(feedsOf(operands));
  await opened.release();
  return values.map((_, index) => found[`d${index}`]!.data as Float32Array);
}

describe('recomputed gradients', () => {
  const { inputs, loss, checkpoints } = network(5, 3, 6);
  const operands = inputs.map(({ shape }, index) => {
    const size = (shape as number[]).reduce((a, b) => a * b, 1);
    return { shape: shape as number[], data: seeded(size, index) };
  });

  test.each([
    ['all block outputs', checkpoints],
    ['every other one', checkpoints.filter((_, index) => index % 2 === 0)],
    ['none', []],
    ['the loss itself', [loss]],
  ])('are the same as plain ones: %s kept', async (_, kept) => {
    const plain = await run(gradients(loss, inputs), operands);
    const again = await run(recomputedGradients(loss, inputs, kept), operands);
    for (const [index, values] of plain.entries())
      expectClose(again[index]!, values, { atol: 1e-7, rtol: 1e-5 });
  });

  test('are the same when only some nodes run again, and the others once', async () => {
    const repeats = ({ op }: Node): boolean => op === 'Sigmoid';
    const plain = gradients(loss, inputs);
    const again = recomputedGradients(loss, inputs, checkpoints, repeats);
    const count = (values: readonly Value[], op: string): number =>
      topologicalOrder([loss, ...values]).filter((node) => node.op === op).length;
    expect(count(again, 'Sigmoid')).toBeGreaterThan(count(plain, 'Sigmoid'));
    expect(count(again, 'Tanh')).toBe(count(plain, 'Tanh'));
    const [found, wanted] = [await run(again, operands), await run(plain, operands)];
    for (const [index, values] of wanted.entries())
      expectClose(found[index]!, values, { atol: 1e-7, rtol: 1e-5 });
  });

  test('attention: scores and softmax run again, projections and what is mixed do not', () => {
    const [q, k, v] = ['q', 'k', 'v'].map((name) => input(name, 'float32', [1, 2, 64, 8])) as [
      Value,
      Value,
      Value,
    ];
    const scores = ops.matmul(q, k, { transB: true });
    const weights = ops.softmax(scores);
    const mixed = ops.matmul(weights, v);
    const nodeOf = ({ source }: Value): Node => (source as { node: Node }).node;
    expect([scores, weights, mixed].map((value) => isAttentionWeight(nodeOf(value)))).toEqual([
      true,
      true,
      false,
    ]);
    expect(isAttentionWeight(nodeOf(ops.softmax(q)))).toBe(false);
  });

  test('with respect to the last kernel only, nothing before it is needed', async () => {
    const last = inputs.at(-1)!;
    const [plain] = await run(gradients(loss, [last]), operands);
    const [again] = await run(recomputedGradients(loss, [last], checkpoints), operands);
    expectClose(again!, plain!, { atol: 1e-7, rtol: 1e-5 });
  });

  test('peak memory falls to less than half', () => {
    const { inputs: all, loss: end, checkpoints: kept } = network(32, 4, 256);
    // The value that all blocks read is left out: its gradient is a sum over blocks, which the engine forms last.
    const kernels = all.slice(2);
    const plain = peakMemory(named(gradients(end, kernels)));
    const again = peakMemory(named(recomputedGradients(end, kernels, kept)));
    expect(plain).toBeGreaterThan(150e6); // 32 blocks, each with several values of 1 MiB
    expect(again).toBeLessThan(plain / 2);
  });
});
