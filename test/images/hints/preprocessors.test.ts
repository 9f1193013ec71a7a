import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PREPROCESSOR_TABLE, preprocess } from '../../../main/images/hints/preprocessors.ts';
import { type Pixels, pixelsOf } from '../../../main/images/pixels.ts';
import { PREPROCESSORS } from '../../../preload/request.ts';

/** A picture painted by a function of position. */
function painted(width: number, height: number, color: (x: number, y: number) => readonly number[]): Pixels {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) data.set(color(i % width, Math.floor(i / width)), i * 3);
  return pixelsOf(data, width, height, 3);
}
const WHITE = [255, 255, 255];
const BLACK = [0, 0, 0];
const blueLine = painted(64, 64, (x) => (x >= 30 && x < 32 ? [0, 0, 255] : WHITE));
const block = painted(64, 64, (x, y) =>
  x >= 16 && x < 48 && y >= 16 && y < 48 ? [200, 40, 40] : [120, 180, 220],
);
const grey = (hint: Pixels, x: number, y: number) => hint.data[(y * hint.width + x) * 3]!;

test('every preprocessor makes an RGB picture of the same size from RGB and RGBA of any size', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...PREPROCESSORS),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      fc.constantFrom(3 as const, 4 as const),
      fc.nat(255),
      (name, width, height, channels, value) => {
        const data = Uint8Array.from({ length: width * height * channels }, (_, i) => (i * value) % 256);
        const hint = preprocess(name, pixelsOf(data, width, height, channels));
        expect([hint.width, hint.height, hint.channels, hint.data.length]).toEqual([
          width,
          height,
          3,
          width * height * 3,
        ]);
      },
    ),
  );
});

test('defaults lie within their limits; unknown names and values outside are refused in words', () => {
  for (const { options } of Object.values(PREPROCESSOR_TABLE)) {
    for (const { default: value, min, max, step } of options) {
      expect(value >= min && value <= max && step > 0).toBe(true);
    }
  }
  expect(() => preprocess('depth', block)).toThrow(
    /preprocessor "depth" is not known; use one of none, canny/,
  );
  expect(() => preprocess('canny', block, { lo: 3 })).toThrow(
    /canny has no option "lo"; it takes low, high, l2/,
  );
  expect(() => preprocess('blur', block, { sigma: 900 })).toThrow(
    /blur option "sigma" is 900; use 0.1 to 64/,
  );
  expect(() => preprocess('threshold', block, { threshold: Number.NaN })).toThrow(/NaN/);
});

test('strokes of any colour become white on black, whatever the ground', () => {
  for (const picture of [blueLine, preprocess('invert', blueLine, { always: 1 })]) {
    const hint = preprocess('scribble', picture);
    expect([grey(hint, 31, 5), grey(hint, 10, 5), grey(hint, 50, 60)]).toEqual([255, 0, 0]);
  }
});

test('a filled shape is no drawing: its outline is drawn', () => {
  const hint = preprocess('scribble', block);
  expect([grey(hint, 32, 32), grey(hint, 4, 4)]).toEqual([0, 0]);
  expect(Math.max(...[14, 15, 16, 17].map((x) => grey(hint, x, 32)))).toBe(255);
  expect(grey(preprocess('scribble', block, { source: 1 }), 32, 32)).toBe(255);
});

test('soft edges are bright at the edge, fade beside it and are dark in flat parts', () => {
  const hint = preprocess('softedge', block);
  expect(grey(hint, 16, 32)).toBeGreaterThan(150);
  expect(grey(hint, 12, 32)).toBeLessThan(grey(hint, 16, 32));
  expect(grey(hint, 32, 32)).toBeLessThan(40);
  expect(
    Math.max(
      ...preprocess(
        'softedge',
        painted(32, 32, () => [9, 9, 9]),
      ).data,
    ),
  ).toBe(0);
});

test('invert turns light pictures only, unless told always', () => {
  expect(grey(preprocess('invert', blueLine), 3, 3)).toBe(0);
  const dark = painted(8, 8, (x) => (x === 3 ? WHITE : BLACK));
  expect(preprocess('invert', dark)).toEqual(dark);
  expect(grey(preprocess('invert', dark, { always: 1 }), 0, 0)).toBe(255);
});

test('threshold cuts just above its level', () => {
  const ramp = painted(256, 1, (x) => [x, x, x]);
  const hint = preprocess('threshold', ramp, { threshold: 100 });
  expect([grey(hint, 100, 0), grey(hint, 101, 0)]).toEqual([0, 255]);
});

test('blur and tile take detail away and keep the mean', () => {
  const checks = painted(32, 32, (x, y) => ((x + y) % 2 ? WHITE : BLACK));
  for (const [name, options] of [
    ['blur', { sigma: 3 }],
    ['tile', { factor: 4 }],
  ] as const) {
    const hint = preprocess(name, checks, options);
    expect(Math.abs(grey(hint, 16, 16) - 127.5)).toBeLessThan(3);
  }
  expect(preprocess('tile', checks)).toEqual(checks);
});
