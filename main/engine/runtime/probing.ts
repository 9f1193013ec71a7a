/** Numbers to try kernels with, and how far their results are off. */

/** Numbers without a pattern that a wrong layout could preserve. */
export function wave(count: number, frequency: number, amplitude = 1): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, (_, i) => amplitude * Math.sin(frequency * i + 1e-4 * i * i));
}

/** |actual − expected| over |expected|, in the Euclidean norm. */
export function relativeL2(actual: Float32Array, expected: Float32Array): number {
  let difference = 0;
  let norm = 0;
  expected.forEach((value, i) => {
    difference += (actual[i]! - value) ** 2;
    norm += value ** 2;
  });
  return Math.sqrt(difference / norm);
}
