import fc from 'fast-check';
import { expect, test } from 'vitest';
import { centreCut, covering } from '../../main/images/fit.ts';
import { pixelsOf } from '../../main/images/pixels.ts';

test('the cut lies in the middle and has the wanted proportions, to a pixel', () => {
  expect(centreCut(400, 200, 100, 100)).toEqual({ x: 100, y: 0, width: 200, height: 200 });
  expect(centreCut(200, 400, 300, 100)).toEqual({ x: 0, y: 167, width: 200, height: 66 });
  expect(centreCut(320, 240, 640, 480)).toEqual({ x: 0, y: 0, width: 320, height: 240 });
  const side = fc.integer({ min: 1, max: 5000 });
  fc.assert(
    fc.property(side, side, side, side, (oldWidth, oldHeight, width, height) => {
      const cut = centreCut(oldWidth, oldHeight, width, height);
      expect(cut.width === oldWidth || cut.height === oldHeight).toBe(true);
      expect(cut.x + cut.width).toBeLessThanOrEqual(oldWidth);
      expect(cut.y + cut.height).toBeLessThanOrEqual(oldHeight);
      expect(Math.min(cut.width, cut.height)).toBeGreaterThan(0);
    }),
  );
});

test('covering keeps the middle: sides of another colour are gone', () => {
  const picture = pixelsOf(new Uint8Array(60 * 20 * 3), 60, 20, 3);
  for (let i = 0; i < 60 * 20; i++) picture.data[i * 3] = i % 60 < 10 || i % 60 >= 50 ? 255 : 100;
  const square = covering(picture, 40, 20);
  expect([square.width, square.height]).toEqual([40, 20]);
  expect(square.data.every((value, i) => value === (i % 3 === 0 ? 100 : 0))).toBe(true);
});
