import { expect, test } from 'vitest';
import { normalised } from '../../main/images/normalise.ts';

const statistics = { mean: [0.5, 0.25, 0], deviation: [0.5, 0.25, 2] } as const;

test('every colour of every picture by its own mean and deviation; what is given stays as it is', () => {
  const picture = [1, 0, 0.5, 0.25, 1, 0];
  const given = { data: Float32Array.from([...picture, ...picture]), shape: [2, 3, 1, 2] };
  const expected = [1, -1, 1, 0, 0.5, 0];
  expect(normalised(given, statistics)).toEqual({
    data: Float32Array.from([...expected, ...expected]),
    shape: [2, 3, 1, 2],
  });
  expect([...given.data.slice(0, 6)]).toEqual(picture);
});

test('what has not three colours is refused', () => {
  const grey = { data: new Float32Array(2), shape: [1, 1, 1, 2] };
  expect(() => normalised(grey, statistics)).toThrow('[1, 1, 1, 2] is not [pictures, 3, height, width]');
});
