import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { brownianNoise } from '../../../main/pipeline/noise/brownian.ts';
import { expectConformance } from '../../conformance/expectConformance.ts';
import { rngBrownianTree } from '../../conformance/rngBrownianTree.ts';
import { expectClose } from '../../helpers/close.ts';
import { meanAndVariance } from './moments.ts';

const [LOW, HIGH] = [0.03, 14.6];
const sigmas = fc.uniqueArray(fc.double({ min: LOW, max: HIGH, noNaN: true }), {
  minLength: 3,
  maxLength: 3,
  comparator: (a, b) => Math.abs(a - b) < 0.01,
});

/** Noise back to the path's increment. */
function increment(noise: Float32Array, from: number, to: number): Float32Array {
  const width = Math.sqrt(Math.abs(Math.fround(to) - Math.fround(from)));
  return noise.map((value) => value * width);
}

describe('brownianNoise', () => {
  test("gives torchsde's numbers from numpy's seeds", () =>
    expectConformance(rngBrownianTree, 'rng-brownian-tree', 10));

  test('is one path: increments add up, whatever was asked before', () => {
    fc.assert(
      fc.property(sigmas, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (three, seed) => {
        const [c, b, a] = three.toSorted((x, y) => x - y) as [number, number, number];
        const path = brownianNoise(seed, 8, LOW, HIGH);
        const parts = [increment(path(a, b), a, b), increment(path(b, c), b, c)] as const;
        const whole = increment(brownianNoise(seed, 8, LOW, HIGH)(a, c), a, c);
        expectClose(
          parts[0].map((value, i) => value + parts[1][i]!),
          whole,
          { atol: 2e-5, rtol: 1e-5 },
        );
      }),
      { numRuns: 40 },
    );
  });

  test('turns its sign with the direction', () => {
    const path = brownianNoise(9n, 5, LOW, HIGH);
    expectClose(
      path(2, 7),
      path(7, 2).map((value) => -value),
      { atol: 0 },
    );
  });

  test('has unit variance over any stretch, and stretches are independent', () => {
    const path = brownianNoise(1n, 20_000, LOW, HIGH);
    const [first, second] = [path(9, 3.3), path(3.3, 0.2)];
    for (const values of [first, second])
      expect(Math.abs(meanAndVariance(values).variance - 1)).toBeLessThan(0.05);
    expect(Math.abs(meanAndVariance(first.map((value, i) => value * second[i]!)).mean)).toBeLessThan(0.03);
  });
});
