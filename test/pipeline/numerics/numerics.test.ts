import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { betaDistribution, betaQuantile, logGamma } from '../../../main/pipeline/numerics/betaQuantile.ts';
import { exponentialAdamsWeights } from '../../../main/pipeline/numerics/exponentialAdams.ts';
import { solve } from '../../../main/pipeline/numerics/linearSystem.ts';
import { gaussIntegral, lagrange, linspace } from '../../../main/pipeline/numerics/polynomials.ts';
import { roundHalfEven } from '../../../main/pipeline/numerics/rounding.ts';
import { expectClose } from '../../helpers/close.ts';

const small = fc.double({ min: -3, max: 3, noNaN: true });

describe('solve', () => {
  test('finds the x that made the right side', () => {
    const system = fc
      .integer({ min: 1, max: 5 })
      .chain((n) =>
        fc.tuple(
          fc.array(fc.array(small, { minLength: n, maxLength: n }), { minLength: n, maxLength: n }),
          fc.array(small, { minLength: n, maxLength: n }),
        ),
      );
    fc.assert(
      fc.property(system, ([rows, x]) => {
        const matrix = rows.map((row, i) => row.map((value, k) => (i === k ? value + 20 : value)));
        const right = matrix.map((row) => row.reduce((sum, value, k) => sum + value * x[k]!, 0));
        expectClose(solve(matrix, right), x, { atol: 1e-9 });
      }),
    );
  });

  test('pivots past a zero and refuses a singular matrix', () => {
    expect(
      solve(
        [
          [0, 1],
          [1, 0],
        ],
        [2, 3],
      ),
    ).toEqual([3, 2]);
    expect(() =>
      solve(
        [
          [1, 1],
          [1, 1],
        ],
        [1, 2],
      ),
    ).toThrow(RangeError);
  });
});

describe('betaQuantile', () => {
  test('is sin² for Beta(½, ½) and linear for Beta(1, 1)', () => {
    for (const p of [0.01, 0.2, 0.5, 0.77, 0.999]) {
      expect(betaQuantile(p, 0.5, 0.5)).toBeCloseTo(Math.sin((Math.PI * p) / 2) ** 2, 12);
      expect(betaQuantile(p, 1, 1)).toBeCloseTo(p, 12);
    }
  });

  test('inverts the distribution', () => {
    const shape = fc.double({ min: 0.3, max: 5, noNaN: true });
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 0.999, noNaN: true }), shape, shape, (p, a, b) => {
        // Close to 1 a double knows x to 1e-16 only, which a small b turns into up to 1e-8 of probability.
        expect(betaDistribution(betaQuantile(p, a, b), a, b)).toBeCloseTo(p, 6);
      }),
    );
  });

  test('ends at 0 and 1', () => {
    expect([betaQuantile(0, 0.6, 0.6), betaQuantile(1, 0.6, 0.6)]).toEqual([0, 1]);
  });

  test('stands on a gamma function that knows its factorials', () => {
    for (const [n, factorial] of [
      [1, 1],
      [5, 24],
      [11, 3628800],
    ] as const) {
      expect(logGamma(n)).toBeCloseTo(Math.log(factorial), 11);
    }
    expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.sqrt(Math.PI)), 12);
  });
});

describe('polynomials', () => {
  test('Gauss integrates degree 5 exactly', () => {
    expect(gaussIntegral((t) => 6 * t ** 5 + 4 * t ** 3, -1, 2)).toBeCloseTo(63 + 15, 10);
  });

  test('the Lagrange basis reproduces a parabola', () => {
    const nodes = [0.5, 2, 3];
    const at = (t: number): number => 2 * t * t - t + 1;
    const value = nodes.reduce((sum, node, i) => sum + at(node) * lagrange(nodes, i, 1.3), 0);
    expect(value).toBeCloseTo(at(1.3), 12);
  });

  test('linspace has both ends', () => {
    expect([...linspace(3, 1, 5)]).toEqual([3, 2.5, 2, 1.5, 1]);
    expect([...linspace(3, 1, 1)]).toEqual([3]);
    expect([...linspace(3, 1, 0)]).toEqual([]);
  });
});

test('exponential Adams weights integrate a polynomial under the exponential', () => {
  const nodes = [1, 0.4, -0.3];
  const polynomial = (t: number): number => t ** 2 - 3 * t + 0.5;
  for (const rate of [1, 2, -1]) {
    const [from, to] = [1, 1.7];
    const weights = exponentialAdamsWeights(nodes, from, to, rate);
    const slices = 4000;
    let integral = 0;
    for (let k = 0; k < slices; k++) {
      const t = from + ((k + 0.5) / slices) * (to - from);
      integral += (rate * Math.exp(rate * (t - to)) * polynomial(t) * (to - from)) / slices;
    }
    const sum = weights.reduce((total, weight, i) => total + weight * polynomial(nodes[i]!), 0);
    expect(sum).toBeCloseTo(integral, 6);
  }
});

test('halves round to even', () => {
  expect([0.5, 1.5, 2.5, 2.4, -0.5].map(roundHalfEven)).toEqual([0, 2, 2, 2, -0]);
});
