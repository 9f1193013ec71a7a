/**
 * A value of the network followed along the walk: its last two measurements extrapolate it (in line, as TaylorSeer does at
 * first order, Liu et al. 2025), and how far the last extrapolation missed says how far the next one may go.
 */

export interface Measurement {
  readonly value: Float32Array<ArrayBuffer>;
  /** Where on the walk, in timesteps. */
  readonly at: number;
}

export interface Track {
  readonly last?: Measurement;
  readonly before?: Measurement;
  /** Relative error that an extrapolation would have had at `last`, over the product of its distances. */
  readonly curvature?: number;
}

/** The track after one more measurement. */
export function measured(track: Track, value: Float32Array<ArrayBuffer>, at: number): Track {
  const { last, before } = track;
  const measurement = { value, at };
  // A second look at the same place (Heun's samplers) replaces the first.
  if (!last || last.at === at) return { ...track, last: measurement };
  if (!before) return { last: measurement, before: last };
  const curvature = relativeMiss(last, before, measurement) / remainderAt(at, last.at, before.at);
  return { last: measurement, before: last, curvature };
}

/** Expected relative error of an extrapolation to `at`; infinite before three measurements. */
export function expectedError({ last, before, curvature }: Track, at: number): number {
  if (!last || !before || curvature === undefined) return Number.POSITIVE_INFINITY;
  return curvature * remainderAt(at, last.at, before.at);
}

/** The value at `at`, on the line through the last two measurements. */
export function extrapolated({ last, before }: Track, at: number): Float32Array<ArrayBuffer> {
  if (!last || !before) throw new RangeError('an extrapolation needs two measurements');
  const share = (at - last.at) / (last.at - before.at);
  const result = new Float32Array(last.value.length);
  for (let i = 0; i < result.length; i++)
    result[i] = last.value[i]! + share * (last.value[i]! - before.value[i]!);
  return result;
}

/** The interpolation error of a line through two places is this times half the second derivative. */
function remainderAt(at: number, last: number, before: number): number {
  return Math.abs((at - last) * (at - before));
}

/** How far the line through `last` and `before` passes by what was measured; the line itself, megabytes, is not kept. */
function relativeMiss(last: Measurement, before: Measurement, { value, at }: Measurement): number {
  const share = (at - last.at) / (last.at - before.at);
  let [distance, norm] = [0, 0];
  for (let i = 0; i < value.length; i++) {
    const known = last.value[i]!;
    distance += (Math.fround(known + share * (known - before.value[i]!)) - value[i]!) ** 2;
    norm += value[i]! ** 2;
  }
  return Math.sqrt(distance / Math.max(norm, Number.MIN_VALUE));
}
