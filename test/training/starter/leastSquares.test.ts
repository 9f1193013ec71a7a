import { describe, expect, it } from 'vitest';
import { leastSquares } from '../../../main/training/starter/leastSquares.ts';

describe('least squares', () => {
  it('finds the matrix that made the observations, the first pivot being zero too', () => {
    const wanted = [[1, -2], [0.5, 3], [0, 4]]; // biome-ignore format: a matrix, read as one
    const fit = leastSquares(3, 2);
    for (const known of [[0, 1, 2], [1, 0, 0], [2, 1, -1], [0, 0, 1], [1, 1, 1]]) // biome-ignore format: a list
      fit.add(
        known,
        [0, 1].map((side) => known.reduce((sum, value, i) => sum + value * wanted[i]![side]!, 0)),
      );
    for (const [i, row] of fit.solve().entries())
      for (const [j, value] of row.entries()) expect(value).toBeCloseTo(wanted[i]![j]!, 10);
  });

  it('is the mean for a constant, smaller with a ridge', () => {
    const meanOf = (ridge: number): number => {
      const fit = leastSquares(1, 1, ridge);
      for (const value of [1, 2, 6]) fit.add([1], [value]);
      return fit.solve()[0]![0]!;
    };
    expect(meanOf(0)).toBeCloseTo(3);
    expect(meanOf(3)).toBeCloseTo(1.5);
  });

  it('says when observations leave something open', () => {
    const fit = leastSquares(2, 1);
    fit.add([1, 2], [3]);
    expect(() => fit.solve()).toThrow(/leave some of the unknowns open/);
  });
});
