/** The vocabulary of conformance: one Check per reference tensor, and the comparisons that make them. */

/** Result for one tensor. `maxError` and `tolerance` are taken at the element that comes closest to failing. */
export interface Check {
  readonly tensor: string;
  readonly maxError: number;
  readonly tolerance: number;
  readonly pass: boolean;
}

/** Checks one case folder; everything it needs to know is read from that folder's case.json. */
export type ConformanceModule = (caseDir: string) => AsyncIterable<Check>;

export interface Tolerance {
  readonly atol?: number;
  readonly rtol?: number;
}

/** numpy.allclose: |actual - expected| ≤ atol + rtol·|expected| everywhere. NaN or another length never passes. */
export function checkClose(
  tensor: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { atol = 0, rtol = 0 }: Tolerance,
): Check {
  if (actual.length !== expected.length) return failed(tensor, atol);
  let maxError = 0;
  let tolerance = atol;
  let largestExcess = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    const allowed = atol + rtol * Math.abs(expected[i]!);
    if (Number.isNaN(error)) return failed(tensor, allowed);
    if (error - allowed > largestExcess) {
      largestExcess = error - allowed;
      maxError = error;
      tolerance = allowed;
    }
  }
  return { tensor, maxError, tolerance, pass: largestExcess <= 0 || expected.length === 0 };
}

/** max|actual - expected| / max|expected| ≤ relmax over the whole tensor. NaN or another length never passes. */
export function checkRelmax(
  tensor: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  relmax: number,
): Check {
  if (actual.length !== expected.length) return failed(tensor, relmax);
  let largestError = 0;
  let largestExpected = 0;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    if (Number.isNaN(error)) return failed(tensor, relmax);
    largestError = Math.max(largestError, error);
    largestExpected = Math.max(largestExpected, Math.abs(expected[i]!));
  }
  const maxError = largestError === 0 ? 0 : largestError / largestExpected;
  return { tensor, maxError, tolerance: relmax, pass: maxError <= relmax };
}

/** Whole numbers (token ids, timesteps, mask pixels): every one must agree. */
export function checkEqual(tensor: string, actual: ArrayLike<number>, expected: ArrayLike<number>): Check {
  return checkClose(tensor, actual, expected, {});
}

function failed(tensor: string, tolerance: number): Check {
  return { tensor, maxError: Number.POSITIVE_INFINITY, tolerance, pass: false };
}
