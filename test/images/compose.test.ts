import fc from 'fast-check';
import { expect, test } from 'vitest';
import { composite, crop, maskBounds, maskedArea, padForOutpaint, paste } from '../../main/images/compose.ts';
import { fillMasked } from '../../main/images/fill.ts';
import { type Mask, maskOf } from '../../main/images/masks.ts';
import { type Pixels, pixelsOf } from '../../main/images/pixels.ts';

const WIDTH = 7;
const HEIGHT = 5;
const picture = (channels: 3 | 4) =>
  fc
    .uint8Array({ minLength: WIDTH * HEIGHT * channels, maxLength: WIDTH * HEIGHT * channels })
    .map((data) => pixelsOf(Uint8Array.from(data), WIDTH, HEIGHT, channels));
const anyPicture = fc.oneof(picture(3), picture(4));
const anyMask = fc
  .array(fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true })), {
    minLength: WIDTH * HEIGHT,
    maxLength: WIDTH * HEIGHT,
  })
  .map((values) => maskOf(Float32Array.from(values), WIDTH, HEIGHT));

/** The bytes of pixel i. */
function at({ data, channels }: Pixels, i: number): number[] {
  return [...data.slice(i * channels, (i + 1) * channels)];
}

test('outside the mask every byte is the source, inside a full mask every byte is the painting', () => {
  fc.assert(
    fc.property(anyPicture, picture(3), anyMask, (source, painted, mask) => {
      const result = composite(source, painted, mask);
      mask.data.forEach((weight, i) => {
        if (weight === 0) expect(at(result, i)).toEqual(at(source, i));
        if (weight === 1) expect(at(result, i).slice(0, 3)).toEqual(at(painted, i));
      });
    }),
  );
});

test('half a mask blends half', () => {
  const source = pixelsOf(Uint8Array.from([0, 100, 200]), 1, 1, 3);
  const painted = pixelsOf(Uint8Array.from([100, 200, 100]), 1, 1, 3);
  expect([...composite(source, painted, maskOf(Float32Array.of(0.5), 1, 1)).data]).toEqual([50, 150, 150]);
});

test('pictures and masks of other sizes are refused', () => {
  const source = pixelsOf(new Uint8Array(3), 1, 1, 3);
  const wide = pixelsOf(new Uint8Array(6), 2, 1, 3);
  expect(() => composite(source, wide, maskOf(new Float32Array(1), 1, 1))).toThrow(/1×1 and 2×1/);
  expect(() => crop(source, { x: 0, y: 0, width: 2, height: 1 })).toThrow(/leaves the 1×1 picture/);
});

test('outpainting draws the border out and masks the new room alone', () => {
  const source = pixelsOf(Uint8Array.from([10, 10, 10, 20, 20, 20, 30, 30, 30, 40, 40, 40]), 2, 2, 3);
  const { canvas, mask } = padForOutpaint(source, { left: 1, top: 0, right: 2, bottom: 1 });
  expect([canvas.width, canvas.height]).toEqual([5, 3]);
  expect(Array.from({ length: 15 }, (_, i) => canvas.data[i * 3])).toEqual([
    10, 10, 20, 20, 20, 30, 30, 40, 40, 40, 30, 30, 40, 40, 40,
  ]);
  expect([...mask.data]).toEqual([1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1]);
});

test('the outpainting feather falls off from enlarged sides only', () => {
  const source = pixelsOf(new Uint8Array(8 * 3), 8, 1, 3);
  const { mask } = padForOutpaint(source, { left: 2, top: 0, right: 0, bottom: 0 }, 4);
  expect([...mask.data]).toEqual([1, 1, 1, 0.5625, 0.25, 0.0625, 0, 0, 0, 0]);
});

test('the masked area holds the mask, lies in the picture and has the wanted shape where there is room', () => {
  const spot = (x: number, y: number): Mask => {
    const data = new Float32Array(100 * 80);
    data[y * 100 + x] = 0.3;
    return maskOf(data, 100, 80);
  };
  expect(maskBounds(spot(40, 30))).toEqual({ x: 40, y: 30, width: 1, height: 1 });
  expect(maskedArea(spot(40, 30), 10, 512, 512)).toEqual({ x: 30, y: 20, width: 21, height: 21 });
  expect(maskedArea(spot(40, 30), 10, 1024, 512)).toEqual({ x: 20, y: 20, width: 42, height: 21 });
  expect(maskedArea(spot(0, 0), 10, 512, 1024)).toEqual({ x: 0, y: 0, width: 11, height: 22 });
  expect(maskedArea(maskOf(new Float32Array(4), 2, 2), 9, 64, 64)).toBeUndefined();
  fc.assert(
    fc.property(
      fc.nat(99),
      fc.nat(79),
      fc.nat(200),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      (x, y, padding, w, h) => {
        const area = maskedArea(spot(x, y), padding, w * 64, h * 64)!;
        expect(area.x <= x && x < area.x + area.width && area.y <= y && y < area.y + area.height).toBe(true);
        expect(crop(spot(x, y), area).data.length).toBe(area.width * area.height);
      },
    ),
  );
});

test('pasting a crop back changes nothing, with a mask only what it covers', () => {
  const region = { x: 2, y: 1, width: 3, height: 3 };
  fc.assert(
    fc.property(anyPicture, anyMask, (source, mask) => {
      expect(paste(source, crop(source, region), region)).toEqual(source);
      const red = pixelsOf(
        Uint8Array.from({ length: 27 }, (_, i) => (i % 3 === 0 ? 255 : 0)),
        3,
        3,
        3,
      );
      const result = paste(source, red, region, mask);
      for (let i = 0; i < WIDTH * HEIGHT; i++) {
        const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
        const inside = x >= 2 && x < 5 && y >= 1 && y < 4;
        if (!inside || mask.data[i] === 0) expect(at(result, i)).toEqual(at(source, i));
        else if (mask.data[i] === 1) expect(at(result, i).slice(0, 3)).toEqual([255, 0, 0]);
      }
    }),
  );
});

test('filling continues what is around the mask and leaves the rest to the byte', () => {
  const left = [200, 0, 0];
  const right = [0, 0, 200];
  const source = pixelsOf(
    Uint8Array.from({ length: 32 * 8 * 3 }, (_, i) => (Math.floor(i / 3) % 32 < 16 ? left : right)[i % 3]!),
    32,
    8,
    3,
  );
  const mask = maskOf(
    Float32Array.from({ length: 256 }, (_, i) => (i % 32 >= 4 && i % 32 < 28 ? 1 : 0)),
    32,
    8,
  );
  const filled = fillMasked(source, mask);
  for (let i = 0; i < 256; i++) if (mask.data[i] === 0) expect(at(filled, i)).toEqual(at(source, i));
  const [red, , blue] = at(filled, 4 * 32 + 5);
  expect(red! > 120 && blue! < 80).toBe(true);
  const middle = at(filled, 4 * 32 + 16);
  expect(Math.abs(middle[0]! - middle[2]!)).toBeLessThan(80);
});

test('a picture masked altogether is filled with grey, and alpha is left alone', () => {
  const source = pixelsOf(Uint8Array.from([1, 2, 3, 77, 5, 6, 7, 88]), 2, 1, 4);
  expect([...fillMasked(source, maskOf(new Float32Array(2).fill(1), 2, 1)).data]).toEqual([
    128, 128, 128, 77, 128, 128, 128, 88,
  ]);
});
