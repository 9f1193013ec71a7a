import { expect, test } from 'vitest';
import { CURVES, learningRateAt } from '../../main/training/learningRate.ts';

test('every curve warms up linearly to the peak', () => {
  for (const curve of CURVES) {
    const settings = { peak: 2, steps: 100, curve, warmupSteps: 10 };
    expect(learningRateAt(settings, 0)).toBeCloseTo(0.2);
    expect(learningRateAt(settings, 4)).toBeCloseTo(1);
    expect(learningRateAt(settings, 10)).toBeCloseTo(2);
  }
});

test('constant stays, linear and cosine reach half in the middle and the floor at the end', () => {
  expect(learningRateAt({ peak: 2, steps: 100, curve: 'constant' }, 99)).toBe(2);
  for (const curve of ['linear', 'cosine'] as const) {
    expect(learningRateAt({ peak: 2, steps: 100, curve }, 50)).toBeCloseTo(1);
    expect(learningRateAt({ peak: 2, steps: 100, curve }, 100)).toBeCloseTo(0);
    expect(learningRateAt({ peak: 2, steps: 100, curve, floor: 0.1 }, 500)).toBeCloseTo(0.2);
  }
  expect(learningRateAt({ peak: 2, steps: 100, curve: 'cosine' }, 25)).toBeCloseTo(1 + Math.SQRT1_2);
});

test('constant-then-linear decays over the last share only', () => {
  const settings = { peak: 1, steps: 100, curve: 'constant-then-linear', decayShare: 0.4 } as const;
  expect(learningRateAt(settings, 59)).toBe(1);
  expect(learningRateAt(settings, 80)).toBeCloseTo(0.5);
  expect(learningRateAt(settings, 100)).toBeCloseTo(0);
});
