import fc from 'fast-check';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { encodePixels } from '../../../main/images/codec.ts';
import { insertJpegExif, insertWebpExif, readComment } from '../../../main/images/metadata/containers.ts';
import { readExif, writeExif } from '../../../main/images/metadata/exif.ts';
import { pixelsOf } from '../../../main/images/pixels.ts';

/** As generators write them: any prompt, then settings in ASCII. */
const text = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 200 })
  .filter((s) => !/\0|^\ufeff/.test(s))
  .map(
    (s) =>
      `${s}\nSteps: 20, Sampler: Euler a, Schedule type: Normal, CFG scale: 7, Seed: 123456789, Size: 512x512, Model hash: 6ce0161689, Model: v1-5-pruned-emaonly, RNG: CPU, Version: Emulsion, and so on for as long as the prompt`,
  );

test('UserComment and keyed texts are read back', () => {
  fc.assert(
    fc.property(
      text,
      fc.uniqueArray(fc.tuple(fc.stringMatching(/^\w{1,10}$/), text), {
        maxLength: 17,
        selector: ([k]) => k,
      }),
      (comment, keyed) => {
        const read = readExif(writeExif(comment, keyed));
        expect(read.userComment).toBe(comment);
        expect([...read.keyed]).toEqual(keyed);
      },
    ),
  );
});

test('UserComment is UNICODE and big-endian, as piexif writes it', () => {
  const block = Buffer.from(writeExif('aä', []));
  expect(block.includes(Buffer.from('UNICODE\0\0a\0\xe4', 'latin1'))).toBe(true);
});

test('either byte order of block and text, ASCII and bare comments are understood', () => {
  const bigEndian = Buffer.from('4d4d002a00000008000187690004000000010000001a00000000', 'hex');
  const folder = (comment: Buffer) => {
    const head = Buffer.from('0001928600070000000000000000', 'hex');
    head.writeUInt32BE(comment.length, 6);
    head.writeUInt32BE(26 + 18, 10);
    return Buffer.concat([bigEndian, head, Buffer.alloc(4), comment]);
  };
  const comment = (prefix: string, body: Buffer) =>
    readExif(folder(Buffer.concat([Buffer.from(prefix, 'latin1'), body]))).userComment;
  expect(comment('UNICODE\0', Buffer.from('Steps: 20', 'utf16le'))).toBe('Steps: 20');
  expect(comment('UNICODE\0', Buffer.from('Steps: 20', 'utf16le').swap16())).toBe('Steps: 20');
  expect(comment('ASCII\0\0\0', Buffer.from('Steps: 20\0'))).toBe('Steps: 20');
  expect(comment('', Buffer.from('{"steps": 20}'))).toBe('{"steps": 20}');
});

test('damaged blocks give what can be read, never an error', () => {
  const block = writeExif('a cat', [
    ['prompt', '{}'],
    ['emulsion', '{}'],
  ]);
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 80 }),
        fc.array(fc.tuple(fc.nat(block.length - 1), fc.nat(255))).map((changes) => {
          const damaged = Uint8Array.from(block);
          for (const [at, value] of changes) damaged[at] = value;
          return damaged;
        }),
      ),
      (bytes) => {
        expect(readExif(bytes).keyed.size).toBeLessThanOrEqual(17);
      },
    ),
    { numRuns: 3000 },
  );
});

test('other readers find the EXIF in JPEG and WebP, and the pictures still decode', async () => {
  const exif = writeExif('a cat', [['prompt', '{"1": 2}']]);
  const tiff = Buffer.from(exif.subarray(6));
  for (const channels of [3, 4] as const) {
    const picture = pixelsOf(new Uint8Array(9 * 7 * channels).fill(120), 9, 7, channels);
    const webp = insertWebpExif(await encodePixels(picture, 'webp'), exif, 9, 7, channels === 4);
    const twice = insertWebpExif(webp, exif, 9, 7, channels === 4);
    expect(twice).toEqual(webp);
    const jpeg = insertJpegExif(await encodePixels(picture, 'jpeg'), exif);
    for (const file of [webp, jpeg]) {
      const metadata = await sharp(file).metadata();
      expect([metadata.width, metadata.height]).toEqual([9, 7]);
      expect(metadata.exif?.includes(tiff)).toBe(true);
      await sharp(file).raw().toBuffer();
    }
    expect((await sharp(webp).metadata()).hasAlpha).toBe(channels === 4);
  }
  expect(() => insertJpegExif(Uint8Array.of(0xff, 0xd8), new Uint8Array(70_000))).toThrow(
    /at most 64 KiB.*export PNG or WebP/,
  );
});

test('comments of JPEG and GIF are read', async () => {
  const jpeg = Buffer.from(await encodePixels(pixelsOf(new Uint8Array(12), 2, 2, 3), 'jpeg'));
  const segment = Buffer.concat([Buffer.from([0xff, 0xfe, 0, 11]), Buffer.from('Steps: 20')]);
  expect(readComment(Buffer.concat([jpeg.subarray(0, 2), segment, jpeg.subarray(2)]))).toBe('Steps: 20');
  const gif = await sharp(Buffer.alloc(12), { raw: { width: 2, height: 2, channels: 3 } })
    .gif()
    .toBuffer();
  const extension = Buffer.concat([
    Buffer.from([0x21, 0xfe, 9]),
    Buffer.from('Steps: 20'),
    Buffer.from([4]),
    Buffer.from(', ok'),
    Buffer.from([0]),
  ]);
  expect(readComment(Buffer.concat([gif.subarray(0, -1), extension, gif.subarray(-1)]))).toBe(
    'Steps: 20, ok',
  );
  expect(readComment(gif)).toBeUndefined();
});

test('comment readers survive any bytes', () => {
  const start = fc.constantFrom([0xff, 0xd8, 0xff, 0xe0], [...Buffer.from('GIF89a')]);
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 400 }), (head, tail) => {
      const comment = readComment(Uint8Array.from([...head, ...tail]));
      expect(comment === undefined || comment.length <= tail.length).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
