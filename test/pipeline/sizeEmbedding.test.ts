import { expect, test } from 'vitest';
import { pooledAndSizes, sizeEmbedding } from '../../main/pipeline/sizeEmbedding.ts';
import { tensor } from '../../main/pipeline/tensor.ts';

test('a number becomes 128 cosines and 128 sines of falling frequency', () => {
  const [first] = [sizeEmbedding([2])];
  expect(first).toHaveLength(256);
  expect(first[0]).toBeCloseTo(Math.cos(2), 6);
  expect(first[128]).toBeCloseTo(Math.sin(2), 6);
  expect(first[255]).toBeCloseTo(Math.sin(2 * 10_000 ** (-127 / 128)), 6);
});

test('y is the pooled text, then sizes as height and width, uncropped', () => {
  const pooled = tensor(Float32Array.of(7, 8), [1, 2]);
  const { data, shape } = pooledAndSizes(pooled, 640, 512, 2 + 6 * 256);
  expect(shape).toEqual([1, 1538]);
  expect([...data.subarray(0, 2)]).toEqual([7, 8]);
  expect(data.subarray(2)).toEqual(sizeEmbedding([512, 640, 0, 0, 512, 640]));
});

test('a U-Net that wants another vector is told so', () => {
  expect(() => pooledAndSizes(tensor(Float32Array.of(7), [1, 1]), 512, 512, 2560)).toThrow(
    'a vector of 2560 numbers',
  );
});
