import { describe, expect, test } from 'vitest';
import type { NoisePrediction } from '../../../main/pipeline/model.ts';
import {
  deepFeaturesAt,
  type Knowledge,
  learnt,
  NOTHING_KNOWN,
  negativeBehind,
  planStep,
} from '../../../main/pipeline/shortcuts/plan.ts';
import { type Tensor, tensor } from '../../../main/pipeline/tensor.ts';
import { SPEED_SHORTCUTS } from '../../../preload/shortcuts.ts';

const line = (at: number, slope: number): Tensor => tensor(Float32Array.of(10 + slope * at), [1, 1, 1, 1]);
const predicted = (at: number, slope: number): NoisePrediction => ({
  ...line(at, slope),
  deep: { feature: line(at, 2 * slope), residual: line(at, 0) },
});
const bounds = { ...SPEED_SHORTCUTS.exact, deepBound: 0.1, negativeBound: 0.1 };
const whole = { sides: ['positive', 'negative'], fromDeep: false, fromDifference: false } as const;

const step = (timestep: number, wantsNegative: boolean, sigma = 1) => ({
  timestep,
  sigma,
  guidanceScale: 7,
  wantsNegative,
  readsNegative: false,
});

/** What is known after whole evaluations of both prompts at these places, everything changing along lines. */
function knownAfter(...places: number[]): Knowledge {
  return places.reduce(
    (known, at) =>
      learnt(known, whole, { positive: predicted(at, 1), negative: predicted(at, -1) }, at, bounds),
    NOTHING_KNOWN,
  );
}

describe('planStep', () => {
  test('runs everything until enough is known', () => {
    for (const places of [[], [9], [9, 8]])
      expect(planStep(knownAfter(...places), step(7, true), bounds)).toEqual(whole);
  });

  test('runs both prompts through the outer blocks where both are known', () => {
    const plan = planStep(knownAfter(9, 8, 7), step(6, true), bounds);
    expect(plan).toEqual({ sides: ['positive', 'negative'], fromDeep: true, fromDifference: false });
    expect(planStep(knownAfter(9, 8, 7), step(6, false), bounds).sides).toEqual(['positive']);
  });

  test('leaves the negative prompt out where only its difference is known', () => {
    const plan = planStep(knownAfter(9, 8, 7), step(6, true), { ...bounds, deepBound: 0 });
    expect(plan).toEqual({ sides: ['positive'], fromDeep: false, fromDifference: true });
  });

  test('runs the whole network again after three steps without', () => {
    let known = knownAfter(9, 8, 7);
    const runs: boolean[] = [];
    for (const at of [6, 5, 4, 3]) {
      const plan = planStep(known, step(at, true), { ...bounds, negativeBound: 0 });
      runs.push(plan.fromDeep);
      known = learnt(known, plan, { positive: predicted(at, 1), negative: predicted(at, -1) }, at, bounds);
    }
    expect(runs).toEqual([true, true, true, false]);
  });

  test('is sigma times as careful where sigma is above 1', () => {
    const parabola = (at: number) => {
      const value = tensor(Float32Array.of(100 + at * at), [1, 1, 1, 1]);
      return { ...value, deep: { feature: value } };
    };
    const known = [9, 8, 7].reduce(
      (before, at) => learnt(before, whole, { positive: parabola(at) }, at, bounds),
      NOTHING_KNOWN,
    );
    // The line through 8 and 7 misses the parabola at 5 by 6 of about 149: 4 %.
    expect(planStep(known, step(5, false, 0.1), bounds).fromDeep).toBe(true);
    expect(planStep(known, step(5, false, 2), bounds).fromDeep).toBe(true);
    expect(planStep(known, step(5, false, 3), bounds).fromDeep).toBe(false);
  });

  test('asks for the negative prompt that a sampler of CFG++ reads, also at guidance 1', () => {
    const flat = tensor(Float32Array.of(100), [1, 1, 1, 1]);
    const positive = (at: number): Tensor => tensor(Float32Array.of(100 + at * at), [1, 1, 1, 1]);
    const known = [9, 8, 7].reduce(
      (before, at) => learnt(before, whole, { positive: positive(at), negative: flat }, at, bounds),
      NOTHING_KNOWN,
    );
    // The line misses the difference at 5 by 12 %, and the difference is a third of the prediction: 4 %.
    const unguided = { ...step(5, true), guidanceScale: 1, readsNegative: true };
    expect(planStep(known, unguided, { ...bounds, negativeBound: 0.03 })).toEqual(whole);
    expect(planStep(known, unguided, { ...bounds, negativeBound: 0.05 }).fromDifference).toBe(true);
  });

  test('takes no shortcut at a bound of 0', () => {
    expect(planStep(knownAfter(9, 8, 7), step(6, true), SPEED_SHORTCUTS.exact)).toEqual(whole);
  });
});

test('deep features and differences go on along their lines; the residual stays that of the last step', () => {
  const known = knownAfter(9, 8, 7);
  const deep = deepFeaturesAt(known, ['positive', 'negative'], 5);
  expect([...deep.positive!.feature.data, ...deep.negative!.feature.data]).toEqual([20, 0]);
  expect(deep.positive!.residual).toEqual(line(7, 0));
  expect([...negativeBehind(line(5, 1), known, 5).data]).toEqual([5]); // 15 − 2·5
});
