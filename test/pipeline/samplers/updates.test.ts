import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ancestralSplit, type Term, weightedSum } from '../../../main/pipeline/samplers/updates.ts';
import { tensor } from '../../../main/pipeline/tensor.ts';

describe('weightedSum', () => {
  test('adds any number of terms', () => {
    const value = fc.double({ min: -9, max: 9, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 6 }), (pairs) => {
        const terms = pairs.map(([weight, x]): Term => [weight, tensor(Float32Array.of(x), [1])]);
        const expected = terms.reduce((sum, [weight, { data }]) => sum + weight * data[0]!, 0);
        expect(weightedSum(terms[0]!, ...terms.slice(1)).data[0]).toBeCloseTo(expected, 4);
      }),
    );
  });

  test('does not look at what weighs nothing', () => {
    const broken = tensor(Float32Array.of(Number.NaN), [1]);
    expect(weightedSum([0, broken], [2, tensor(Float32Array.of(3), [1])]).data[0]).toBe(6);
    expect(weightedSum([0, broken]).data[0]).toBe(0);
  });
});

test('an ancestral split keeps the noise level', () => {
  const sigma = fc.double({ min: 0.01, max: 20, noNaN: true });
  fc.assert(
    fc.property(
      sigma,
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (from, share, eta) => {
        const to = from * share;
        const { sigmaDown, sigmaUp } = ancestralSplit(from, to, eta);
        expect(Math.hypot(sigmaDown, sigmaUp)).toBeCloseTo(to, 8);
        expect(sigmaDown).toBeGreaterThanOrEqual(0);
      },
    ),
  );
});
