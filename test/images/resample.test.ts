import fc from 'fast-check';
import { expect, test } from 'vitest';
import { maskOf } from '../../main/images/masks.ts';
import { pixelsOf } from '../../main/images/pixels.ts';
import { resizeMask, resizePixels } from '../../main/images/resample.ts';
import { expectClose } from '../helpers/close.ts';

const FILTERS = ['area', 'bilinear', 'bicubic', 'lanczos'] as const;

test('a flat picture stays flat under every filter and size', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...FILTERS),
      fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })),
      fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 })),
      fc.nat(255),
      (filter, [width, height], [newWidth, newHeight], value) => {
        const flat = pixelsOf(new Uint8Array(width * height * 3).fill(value), width, height, 3);
        const resized = resizePixels(flat, newWidth, newHeight, filter);
        expect(resized.data).toEqual(new Uint8Array(newWidth * newHeight * 3).fill(value));
      },
    ),
  );
});

test('area halves by averaging 2×2 pixels', () => {
  const mask = maskOf(Float32Array.from([0, 1, 0.5, 0.5, 1, 0, 0, 1]), 4, 2);
  expect([...resizeMask(mask, 2, 1, 'area').data]).toEqual([0.5, 0.5]);
});

test('bilinear and bicubic enlarge by the known weights', () => {
  const step = maskOf(Float32Array.from([0, 0, 1, 1]), 4, 1);
  expectClose(resizeMask(step, 8, 1, 'bilinear').data, [0, 0, 0, 0.25, 0.75, 1, 1, 1], { atol: 1e-6 });
  // Keys' cubic with a = -1/2 at distances 1.25, 0.25, 0.75, 1.75; overshoots are cut to 0–1.
  const at = (x: number) =>
    x < 1 ? 1.5 * x ** 3 - 2.5 * x ** 2 + 1 : -0.5 * x ** 3 + 2.5 * x ** 2 - 4 * x + 2;
  expectClose([resizeMask(step, 8, 1, 'bicubic').data[3]!], [at(0.75) + at(1.75)], { atol: 1e-6 });
});

test('lanczos keeps a linear ramp linear away from the borders', () => {
  const ramp = maskOf(
    Float32Array.from({ length: 64 }, (_, i) => i / 64),
    64,
    1,
  );
  const smaller = resizeMask(ramp, 16, 1, 'lanczos').data;
  for (let i = 4; i < 12; i++) expect(smaller[i]).toBeCloseTo((i * 4 + 1.5) / 64, 3);
});

test('transparent pixels give their colour to nobody', () => {
  const picture = pixelsOf(Uint8Array.from([200, 100, 50, 255, 0, 255, 0, 0]), 2, 1, 4);
  expect([...resizePixels(picture, 1, 1, 'area').data]).toEqual([200, 100, 50, 128]);
});

test('the same size gives the same picture', () => {
  const picture = pixelsOf(Uint8Array.from([1, 2, 3, 4, 5, 6]), 2, 1, 3);
  expect(resizePixels(picture, 2, 1, 'lanczos')).toBe(picture);
});
