import { expect, test } from 'vitest';
import { INTERPOLATIONS, interpolate } from '../../../main/pipeline/numerics/interpolate.ts';
import { tensor } from '../../../main/pipeline/tensor.ts';

const row = (...values: number[]) => tensor(Float32Array.from(values), [1, 1, 1, values.length]);
const across = (values: number[], width: number, method: (typeof INTERPOLATIONS)[number]) =>
  Array.from(interpolate(row(...values), width, 1, method).data, (value) => Math.round(value * 1e5) / 1e5);

/** Expected values follow from torch's definitions by hand. */
test.each([
  ['nearest-exact', [1, 2, 3], 5, [1, 1, 2, 3, 3]],
  ['nearest-exact', [1, 2, 3, 4], 2, [2, 4]],
  ['bilinear', [0, 1], 4, [0, 0.25, 0.75, 1]],
  ['bilinear', [0, 4, 8, 12], 2, [2, 10]],
  ['area', [1, 3, 5, 7], 2, [2, 6]],
  ['area', [1, 2, 3], 2, [1.5, 2.5]],
  ['bicubic', [0, 1], 4, [-0.10547, 0.22656, 0.77344, 1.10547]],
] as const)('%s of %j at %i', (method, values, width, expected) => {
  expect(across([...values], width, method)).toEqual([...expected]);
});

test('area reads nothing beyond the source, and nearest-exact takes the pixel behind a border', () => {
  const ramp = Array.from({ length: 25 }, (_, i) => i);
  const smaller = across(ramp, 22, 'area');
  expect([smaller[0], smaller[21]]).toEqual([0.5, 23.5]);
  expect(across([1, 2], 49, 'nearest-exact')[24]).toBe(2);
});

test('every method keeps a constant, and works along both axes alike', () => {
  const constant = tensor(new Float32Array(2 * 3 * 4).fill(0.5), [1, 2, 3, 4]);
  for (const method of INTERPOLATIONS) {
    const large = interpolate(constant, 7, 5, method);
    expect(large.shape).toEqual([1, 2, 5, 7]);
    for (const value of large.data) expect(value).toBeCloseTo(0.5, 5);
    const wide = interpolate(tensor(Float32Array.of(1, 2, 5), [1, 1, 1, 3]), 6, 1, method);
    const high = interpolate(tensor(Float32Array.of(1, 2, 5), [1, 1, 3, 1]), 1, 6, method);
    expect(high.data).toEqual(wide.data);
  }
});

test('bislerp turns directions and blends lengths', () => {
  // Two channels: (2, 0) and (0, 4) are a quarter turn apart.
  const x = tensor(Float32Array.of(2, 0, 0, 4), [1, 2, 1, 2]);
  const { data } = interpolate(x, 4, 1, 'bislerp');
  const vectors = [0, 1, 2, 3].map((i) => [data[i]!, data[4 + i]!] as const);
  expect(vectors.map((vector) => Math.hypot(...vector))).toEqual(
    [2, 2.5, 3.5, 4].map((length) => expect.closeTo(length, 5)),
  );
  expect(Math.atan2(vectors[1]![1], vectors[1]![0])).toBeCloseTo(Math.PI / 8, 5);
});
