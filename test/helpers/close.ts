/** Comparison of float arrays with the tolerances of numpy.allclose, saying where and how far they differ. */

export interface Tolerance {
  readonly atol?: number;
  readonly rtol?: number;
}

/** Throws unless |actual - expected| ≤ atol + rtol·|expected| everywhere; NaN never passes. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: Tolerance,
): void {
  if (actual.length !== expected.length)
    throw new Error(`length ${actual.length}, expected ${expected.length}`);
  const { atol = 0, rtol = 0 } = tolerance;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    if (!(difference <= atol + rtol * Math.abs(expected[i]!))) {
      throw new Error(
        `element ${i}: ${actual[i]} differs from ${expected[i]} by ${difference} (atol ${atol}, rtol ${rtol})`,
      );
    }
  }
}
