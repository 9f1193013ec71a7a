/** A training session: shards and a single session give the same loss and gradients as one another. */
import { afterEach, describe, expect, test } from 'vitest';
import { createAdamW } from '../../main/training/optimizer.ts';
import { createParameters, view } from '../../main/training/parameters.ts';
import { openTrainingSession, type TrainingSession } from '../../main/training/session.ts';
import { sharedAdamW, sharedParameters } from '../../main/training/shards/memory.ts';
import * as ops from '../../native-models/graph/ops.ts';
import { input } from '../../native-models/graph/value.ts';
import { squaredError } from '../../native-models/training/losses.ts';
import { type Trainables, trainableSource, trainingStep } from '../../native-models/training/step.ts';
import { expectClose } from '../helpers/close.ts';
import { seeded } from '../helpers/numericGradient.ts';

/** y = x·wᵀ + b, squared error. */
function lineStep(batch: number) {
  const trainables: Trainables = new Map();
  const source = trainableSource(trainables);
  const y = ops.gemm(input('x', 'float32', [batch, 3]), source.get('w', [2, 3]), source.get('b', [2]), {
    transB: true,
  });
  return trainingStep(trainables, squaredError(y, input('target', 'float32', [batch, 2])));
}

const SHAPES = new Map([
  ['w', [2, 3]],
  ['b', [2]],
]);
const X = seeded(12, 1);
const TARGET = seeded(8, 2);
const part = (from: number, to: number) => ({
  x: { data: X.slice(3 * from, 3 * to), shape: [to - from, 3] },
  target: { data: TARGET.slice(2 * from, 2 * to), shape: [to - from, 2] },
});

let open: TrainingSession | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

describe('training session', () => {
  test('two shards learn as one session does: losses, gradients, norm, AdamW and moving average', async () => {
    const whole = {
      parameters: createParameters(SHAPES),
      optimizer: createAdamW(SHAPES),
      average: createParameters(SHAPES),
    };
    const dealt = {
      parameters: sharedParameters(SHAPES),
      optimizer: sharedAdamW(SHAPES),
      average: sharedParameters(SHAPES),
    };
    for (const { parameters } of [whole, dealt]) view(parameters, 'w').set(seeded(6, 3));
    const single = await openTrainingSession({ graph: lineStep(4), ...whole });
    open = await openTrainingSession({ graph: lineStep(2), ...dealt, shards: 2 });
    const losses: number[] = [];
    for (let step = 0; step < 3; step++) {
      const expected = await single.step([part(0, 4)]);
      const found = await open.step([part(0, 2), part(2, 4)]);
      losses.push(found.losses['loss']!);
      expect(found.losses['loss']).toBeCloseTo(expected.losses['loss']!, 6);
      expect(found.gradientNorm).toBeCloseTo(expected.gradientNorm, 6);
      for (const name of SHAPES.keys())
        expectClose(open.gradients.get(name)!, single.gradients.get(name)!, { atol: 1e-6 });
      for (const session of [single, open]) await session.update({ learningRate: 0.05, averageDecay: 0.5 });
    }
    expectClose(dealt.parameters.flat, whole.parameters.flat, { atol: 1e-6 });
    expectClose(dealt.average.flat, whole.average.flat, { atol: 1e-6 });
    expect(Math.abs(whole.average.flat[0]!)).toBeGreaterThan(0);
    expect(dealt.optimizer.step).toBe(3);
    expect(losses[2]).toBeLessThan(losses[0]!);
    await single.close();
  });

  test('refuses private memory for several shards, a wrong number of batches and unknown parameters', async () => {
    const graph = lineStep(2);
    await expect(
      openTrainingSession({ graph, parameters: createParameters(SHAPES), shards: 2 }),
    ).rejects.toThrow(/shared/);
    const fewer = createParameters(new Map([['w', [2, 3]]]));
    await expect(openTrainingSession({ graph, parameters: fewer })).rejects.toThrow(/"b"/);
    open = await openTrainingSession({ graph, parameters: createParameters(SHAPES) });
    await expect(open.step([])).rejects.toThrow(/0 batches for 1 shards/);
    await expect(open.update({ learningRate: 1 })).rejects.toThrow(/optimiser/);
  });

  test('an engine error in a shard reaches the caller, and the shard goes on', async () => {
    open = await openTrainingSession({ graph: lineStep(2), parameters: sharedParameters(SHAPES), shards: 2 });
    const wrong = { ...part(0, 2), x: { data: X.slice(0, 3), shape: [1, 3] } };
    await expect(open.step([part(0, 2), wrong])).rejects.toThrow(/x/);
    expect(Object.keys(await open.step([part(0, 2), part(2, 4)]))).toEqual(['losses', 'gradientNorm']);
  });
});
