import { expect, test } from 'vitest';
import { type ActiveControl, type ControlPriority, withControl } from '../../main/pipeline/control.ts';
import type { Evaluation } from '../../main/pipeline/evaluation.ts';
import type { ControlResiduals } from '../../main/pipeline/model.ts';
import { modelSigmas } from '../../main/pipeline/sigmas/modelSigmas.ts';
import { tensor, zeros } from '../../main/pipeline/tensor.ts';

const SIGMAS = modelSigmas();
const ONES: ControlResiduals = {
  skips: [tensor(Float32Array.of(1, 1), [2, 1, 1, 1]), tensor(Float32Array.of(1, 1), [2, 1, 1, 1])],
  middle: tensor(Float32Array.of(1, 1), [2, 1, 1, 1]),
};

function use(overrides: Partial<ActiveControl> = {}): ActiveControl {
  return {
    hint: zeros([1, 3, 8, 8]),
    weight: 1,
    startFraction: 0,
    endFraction: 1,
    priority: 'balanced',
    ...overrides,
  };
}

/** The residuals that reach the network, [skip 0, skip 1, middle] × [positive, negative]; undefined when there are none. */
async function residuals(controls: readonly ActiveControl[], sigma = 1): Promise<number[][] | undefined> {
  let seen: ControlResiduals | undefined;
  const evaluate = withControl(
    async (evaluation) => {
      seen = evaluation.residuals;
      return evaluation.latent;
    },
    async () => ONES,
    controls,
    SIGMAS,
  );
  const evaluation: Evaluation = {
    latent: zeros([2, 4, 1, 1]),
    timestep: Float32Array.of(1, 1),
    context: zeros([2, 77, 1]),
    sigma,
    sides: ['positive', 'negative'],
  };
  await evaluate(evaluation);
  return seen && [...seen.skips, seen.middle!].map(({ data }) => [...data]);
}

test('weights multiply, several ControlNets add up', async () => {
  expect(await residuals([use({ weight: 0.5 })])).toEqual([
    [0.5, 0.5],
    [0.5, 0.5],
    [0.5, 0.5],
  ]);
  expect(await residuals([use({ weight: 0.5 }), use({ weight: 2 })])).toEqual([
    [2.5, 2.5],
    [2.5, 2.5],
    [2.5, 2.5],
  ]);
});

test('outside its interval, at weight 0 and without any, nothing is added', async () => {
  const [start, end] = [SIGMAS.sigmaAtFraction(0.2), SIGMAS.sigmaAtFraction(0.6)];
  const early = [use({ startFraction: 0.2, endFraction: 0.6 })];
  for (const sigma of [start, end, (start + end) / 2]) expect(await residuals(early, sigma)).toBeDefined();
  for (const sigma of [start * 1.01, end * 0.99]) expect(await residuals(early, sigma)).toBeUndefined();
  expect(await residuals([use({ weight: 0 })])).toBeUndefined();
  expect(await residuals([])).toBeUndefined();
});

test.each<[ControlPriority, number]>([
  ['prompt', 1],
  ['control', 0],
])('priority %s: softer away from the middle, the negative prompt times %d', async (priority, negative) => {
  const found = (await residuals([use({ priority })]))!;
  const soft = [0.825 ** 2, 0.825, 1];
  for (const [depth, [positive, other]] of found.entries()) {
    expect(positive).toBeCloseTo(soft[depth]!, 6);
    expect(other).toBeCloseTo(soft[depth]! * negative, 6);
  }
});

test("a T2I-Adapter's features are weighed too, softer the larger they are, and add to a ControlNet's residuals", async () => {
  const feature = tensor(Float32Array.of(1, 1), [2, 1, 1, 1]);
  const answers: ControlResiduals[] = [ONES, { skips: [], features: [feature, feature, feature, feature] }];
  const seen: ControlResiduals[] = [];
  const evaluate = withControl(
    async (evaluation) => {
      seen.push(evaluation.residuals!);
      return evaluation.latent;
    },
    async ({ control }) => answers[control]!,
    [use({ weight: 2 }), use({ weight: 0.5, priority: 'control' })],
    SIGMAS,
  );
  await evaluate({
    latent: zeros([2, 4, 1, 1]),
    timestep: Float32Array.of(1, 1),
    context: zeros([2, 77, 1]),
    sigma: 1,
    sides: ['positive', 'negative'],
  });
  const [{ skips, middle, features }] = seen as [ControlResiduals];
  expect([...skips, middle!].map(({ data }) => [...data])).toEqual([[2, 2], [2, 2], [2, 2]]); // biome-ignore format: short
  expect(features!.map(({ data }) => data[0])).toEqual(
    [0.25, 0.62, 0.825, 1].map((soft) => Math.fround(soft / 2)),
  );
  expect(features!.map(({ data }) => data[1])).toEqual([0, 0, 0, 0]);
});

test('one control at full weight passes its residuals on as they are; a sum writes to none of them', async () => {
  const seen: ControlResiduals[] = [];
  const run = (controls: readonly ActiveControl[]) =>
    withControl(
      async (evaluation) => {
        seen.push(evaluation.residuals!);
        return evaluation.latent;
      },
      async () => ONES,
      controls,
      SIGMAS,
    )({
      latent: zeros([2, 4, 1, 1]),
      timestep: Float32Array.of(1, 1),
      context: zeros([2, 77, 1]),
      sigma: 1,
      sides: ['positive', 'negative'],
    });
  await run([use()]);
  await run([use(), use({ weight: 3 })]);
  expect(seen[0]!.middle).toBe(ONES.middle);
  expect([...seen[1]!.middle!.data]).toEqual([4, 4]);
  expect([...ONES.middle!.data]).toEqual([1, 1]);
});
