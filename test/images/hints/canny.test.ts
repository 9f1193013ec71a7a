import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canny as findEdges } from '../../../main/images/hints/canny.ts';
import { canny } from '../../conformance/canny.ts';
import { GOLDEN_DIR } from '../../helpers/golden.ts';

test('every golden edge map agrees to the pixel', async () => {
  const checks = await Array.fromAsync(canny(join(GOLDEN_DIR, 'canny')));
  expect(checks.length).toBeGreaterThan(20);
  expect(checks.filter((check) => !check.pass)).toEqual([]);
});

test('a step edge is one pixel wide and a flat picture has none', () => {
  const step = Uint8Array.from({ length: 64 }, (_, i) => (i % 8 < 4 ? 0 : 255));
  const edges = findEdges(step, 8, 8, 1, { low: 100, high: 200 });
  for (let y = 0; y < 8; y++)
    expect(edges.slice(y * 8, y * 8 + 8).filter((value) => value === 255)).toHaveLength(1);
  expect(findEdges(new Uint8Array(64).fill(90), 8, 8, 1, { low: 1, high: 2 })).toEqual(new Uint8Array(64));
});

test('weak edges stay only where a strong one leads to them', () => {
  // One vertical edge whose contrast falls from 200 (top) to 30 (bottom): Sobel magnitude 4 × contrast.
  const faded = Uint8Array.from({ length: 16 * 18 }, (_, i) =>
    i % 16 < 8 ? 0 : 200 - 10 * Math.floor(i / 16),
  );
  const rows = (low: number, high: number) =>
    findEdges(faded, 16, 18, 1, { low, high }).reduce((sum, value) => sum + value / 255, 0);
  expect(rows(100, 700)).toBe(18);
  expect(rows(600, 700)).toBeLessThan(9);
  expect(rows(100, 900)).toBe(0);
});

test('swapped thresholds, four channels and grey repeated three times change nothing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 99, maxLength: 99 }), (grey) => {
      const expected = findEdges(grey, 11, 9, 1, { low: 60, high: 150 });
      const rgb = Uint8Array.from({ length: 297 }, (_, i) => grey[Math.floor(i / 3)]!);
      const rgba = Uint8Array.from({ length: 396 }, (_, i) =>
        i % 4 === 3 ? i % 256 : grey[Math.floor(i / 4)]!,
      );
      expect(findEdges(rgb, 11, 9, 3, { low: 150, high: 60 })).toEqual(expected);
      expect(findEdges(rgba, 11, 9, 4, { low: 60, high: 150 })).toEqual(expected);
    }),
  );
});
