import fc from 'fast-check';
import { expect, test } from 'vitest';
import { philoxGenerator } from '../../../main/pipeline/noise/philox.ts';
import { meanAndVariance } from './moments.ts';

test('element i does not depend on how many are drawn', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.integer({ min: 1, max: 50 }),
      (seed, count) => {
        expect(philoxGenerator(seed).randn(count)).toEqual(
          philoxGenerator(seed).randn(60).subarray(0, count),
        );
      },
    ),
  );
});

test('draws follow each other, and both halves of the seed count', () => {
  const generator = philoxGenerator(5n);
  expect(generator.randn(8)).not.toEqual(generator.randn(8));
  expect(philoxGenerator(5n).randn(8)).not.toEqual(philoxGenerator(5n + 2n ** 32n).randn(8));
});

test('is standard normal', () => {
  const { mean, variance } = meanAndVariance(philoxGenerator(11n).randn(40_000));
  expect(Math.abs(mean)).toBeLessThan(0.02);
  expect(Math.abs(variance - 1)).toBeLessThan(0.03);
});
