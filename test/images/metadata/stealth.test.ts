import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readStealthText } from '../../../main/images/metadata/stealth.ts';
import { type Pixels, pixelsOf } from '../../../main/images/pixels.ts';

/** Hides bytes column by column in the lowest bit of alpha, or of red, green and blue. */
function hidden(
  signature: string,
  payload: Uint8Array,
  channels: 3 | 4,
  lengthInBits = payload.length * 8,
): Pixels {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(lengthInBits);
  const bytes = Buffer.concat([Buffer.from(signature), length, payload]);
  const bits = [...bytes].flatMap((byte) => Array.from({ length: 8 }, (_, i) => (byte >> (7 - i)) & 1));
  const [width, height] = [300, 200];
  const data = new Uint8Array(width * height * channels).fill(254);
  bits.forEach((bit, i) => {
    const pixel = channels === 4 ? i : Math.floor(i / 3);
    const at = ((pixel % height) * width + Math.floor(pixel / height)) * channels;
    data[at + (channels === 4 ? 3 : i % 3)]! += bit;
  });
  return pixelsOf(data, width, height, channels);
}

test('all four kinds are read', () => {
  const text = 'Steps: 20, 猫';
  expect(readStealthText(hidden('stealth_pnginfo', Buffer.from(text), 4))).toBe(text);
  expect(readStealthText(hidden('stealth_pngcomp', gzipSync(text), 4))).toBe(text);
  expect(readStealthText(hidden('stealth_rgbinfo', Buffer.from(text), 3))).toBe(text);
  expect(readStealthText(hidden('stealth_rgbcomp', gzipSync(text), 3))).toBe(text);
});

test('lengths beyond the picture, bad data and gzip bombs give nothing', () => {
  expect(readStealthText(hidden('stealth_pnginfo', Buffer.from('x'), 4, 0xffffffff))).toBeUndefined();
  expect(readStealthText(hidden('stealth_pngcomp', Buffer.from('no gzip'), 4))).toBeUndefined();
  expect(readStealthText(hidden('stealth_pngcomp', gzipSync(Buffer.alloc(5 << 20)), 4))).toBeUndefined();
  expect(readStealthText(hidden('stealth_other!!', Buffer.from('x'), 4))).toBeUndefined();
});

test('ordinary pictures of any size hide nothing', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      fc.constantFrom(3 as const, 4 as const),
      (width, height, channels) => {
        const data = Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 91) % 256);
        expect(readStealthText(pixelsOf(data, width, height, channels))).toBeUndefined();
      },
    ),
  );
});
