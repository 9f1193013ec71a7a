import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { decodePixels, encodePixels, PictureError, pictureSize } from '../../main/images/codec.ts';
import { type Pixels, pixelsOf } from '../../main/images/pixels.ts';
import { temporaryFolder } from '../helpers/weightFiles.ts';

/** A picture in which every pixel differs. */
function pattern(width: number, height: number, channels: 3 | 4): Pixels {
  return pixelsOf(
    Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 37 + (i >> 3)) % 256),
    width,
    height,
    channels,
  );
}

test('PNG, and WebP at quality 100, give every byte back; the same pixels give the same file', async () => {
  for (const channels of [3, 4] as const) {
    const picture = pattern(13, 7, channels);
    const png = await encodePixels(picture, 'png');
    expect(await decodePixels(png)).toEqual(picture);
    expect(await encodePixels(picture, 'png')).toEqual(png);
    expect(await decodePixels(await encodePixels(picture, 'webp', 100))).toEqual(picture);
  }
});

test('JPEG comes close and loses alpha onto white', async () => {
  const clear = pixelsOf(new Uint8Array(8 * 8 * 4), 8, 8, 4);
  const decoded = await decodePixels(await encodePixels(clear, 'jpeg'));
  expect(decoded.channels).toBe(3);
  expect(Math.min(...decoded.data)).toBeGreaterThan(250);
});

test('grey, palette, 16-bit and CMYK files come as RGB; asked for, alpha is added or dropped', async () => {
  const grey = sharp(Buffer.from([0, 100, 200, 255]), { raw: { width: 2, height: 2, channels: 1 } });
  const decoded = await decodePixels(await grey.clone().toColourspace('b-w').png().toBuffer());
  expect([...decoded.data]).toEqual([0, 0, 0, 100, 100, 100, 200, 200, 200, 255, 255, 255]);
  const picture = pattern(6, 5, 3);
  const raw = sharp(picture.data, { raw: picture });
  const deep = await decodePixels(await raw.clone().toColourspace('rgb16').png().toBuffer());
  expect(deep).toEqual(picture);
  const cmyk = await decodePixels(await raw.clone().toColourspace('cmyk').jpeg().toBuffer());
  expect([cmyk.width, cmyk.height, cmyk.channels]).toEqual([6, 5, 3]);
  const png = await raw.clone().png().toBuffer();
  expect((await decodePixels(png, { channels: 4 })).data[3]).toBe(255);
  expect((await decodePixels(await encodePixels(pattern(6, 5, 4), 'png'), { channels: 3 })).channels).toBe(3);
});

test('EXIF orientation is honoured, for the size too', async () => {
  const picture = pattern(5, 3, 3);
  const turned = await sharp(picture.data, { raw: picture })
    .withExif({ IFD0: {} })
    .withMetadata({ orientation: 6 })
    .png()
    .toBuffer();
  const upright = await decodePixels(turned);
  expect([upright.width, upright.height]).toEqual([3, 5]);
  // Orientation 6: turned clockwise, so the first pixel shown was the lowest of the first column.
  expect([...upright.data.slice(0, 3)]).toEqual([...picture.data.slice(2 * 5 * 3, 2 * 5 * 3 + 3)]);
  expect(await pictureSize(turned)).toEqual({ width: 3, height: 5 });
});

test('what is no picture is named with the next step', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'broken.png');
  writeFileSync(path, (await encodePixels(pattern(64, 64, 3), 'png')).slice(0, 400));
  await expect(decodePixels(path)).rejects.toThrow(
    /^broken\.png: cannot be read as a picture .*save it as PNG\.$/,
  );
  await expect(decodePixels(join(folder, 'none.png'))).rejects.toThrow(/^none\.png: is not there/);
  await expect(pictureSize(new TextEncoder().encode('<html>'), { name: 'upload' })).rejects.toThrow(
    /^upload: /,
  );
});

test('a picture with more pixels than allowed is refused', async () => {
  const png = await encodePixels(pattern(20, 20, 3), 'png');
  await expect(decodePixels(png, { maxPixels: 399 })).rejects.toThrow(/more than 399 pixels/);
  await expect(decodePixels(png, { maxPixels: 400 })).resolves.toBeDefined();
});

test('any bytes are a picture or a PictureError', async () => {
  const png = await encodePixels(pattern(16, 16, 4), 'png');
  const damaged = fc.tuple(fc.nat(png.length - 1), fc.nat(255)).map(([at, value]) => png.with(at, value));
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged), async (bytes) => {
      try {
        const { width, height, channels, data } = await decodePixels(bytes, { maxPixels: 1 << 20 });
        expect(data.length).toBe(width * height * channels);
      } catch (error) {
        expect(error).toBeInstanceOf(PictureError);
      }
    }),
    { numRuns: 300 },
  );
});
