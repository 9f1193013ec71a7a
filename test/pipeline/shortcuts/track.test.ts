import { expect, test } from 'vitest';
import { expectedError, extrapolated, measured, type Track } from '../../../main/pipeline/shortcuts/track.ts';

/** The track of f, measured at each place. */
function trackOf(f: (at: number) => number, ...places: number[]): Track {
  return places.reduce((track, at) => measured(track, Float32Array.of(f(at), 2 * f(at)), at), {} as Track);
}

test('a straight line is extrapolated without error', () => {
  const track = trackOf((at) => 3 - 0.5 * at, 10, 8, 7);
  expect([...extrapolated(track, 4)]).toEqual([1, 2]);
  expect(expectedError(track, 4)).toBe(0);
});

test('the error expected on a parabola is the error that is made', () => {
  const parabola = (at: number): number => 100 + at * at;
  const track = trackOf(parabola, 10, 8, 6);
  const [value] = extrapolated(track, 3);
  // Relative to the value at the last measurement instead of the new one, which is not known yet.
  const made = Math.abs(value! - parabola(3)) / parabola(6);
  expect(expectedError(track, 3)).toBeCloseTo(made, 6);
});

test('nothing is expected of fewer than three measurements', () => {
  for (const places of [[], [10], [10, 8]])
    expect(expectedError(trackOf(Math.sqrt, ...places), 7)).toBe(Number.POSITIVE_INFINITY);
  expect(() => extrapolated(trackOf(Math.sqrt, 10), 7)).toThrow('needs two measurements');
});

test('a second measurement at one place replaces the first', () => {
  const once = trackOf((at) => at, 10, 8, 6);
  const twice = measured(once, Float32Array.of(60, 120), 6);
  expect([...twice.last!.value]).toEqual([60, 120]);
  expect(twice.before).toBe(once.before);
  expect(expectedError(twice, 6)).toBe(0);
});
