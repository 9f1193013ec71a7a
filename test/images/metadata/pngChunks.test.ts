import { crc32, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodePixels, encodePixels } from '../../../main/images/codec.ts';
import { MAX_INFLATED_BYTES, readPngTexts, writePngTexts } from '../../../main/images/metadata/pngChunks.ts';
import { pixelsOf } from '../../../main/images/pixels.ts';
import { largestAllocation } from '../../helpers/weightFiles.ts';

const picture = pixelsOf(
  Uint8Array.from({ length: 48 }, (_, i) => i * 5),
  4,
  4,
  3,
);
const png = await encodePixels(picture, 'png');

/** The PNG with one more chunk after the header. */
function withChunk(type: string, data: Uint8Array, checksum?: number): Uint8Array<ArrayBuffer> {
  const chunk = Buffer.alloc(12 + data.length);
  chunk.writeUInt32BE(data.length);
  chunk.write(type, 4, 'latin1');
  chunk.set(data, 8);
  chunk.writeUInt32BE(checksum ?? crc32(chunk.subarray(4, -4)), chunk.length - 4);
  return new Uint8Array(Buffer.concat([png.subarray(0, 33), chunk, png.subarray(33)]));
}
const textOf = (file: Uint8Array, keyword = 'parameters') => readPngTexts(file).texts.get(keyword);
const international = (head: string, text: Uint8Array) =>
  withChunk('iTXt', Buffer.concat([Buffer.from(`parameters\0${head}`, 'latin1'), text]));

test('any texts are read back and the picture stays', async () => {
  const keyword = fc.constantFrom('parameters', 'prompt', 'emulsion', 'Comment');
  const text = fc.string({ unit: 'grapheme', maxLength: 300 });
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(keyword, text), { selector: ([key]) => key }),
      async (entries) => {
        const file = writePngTexts(writePngTexts(png, [['old', 'text']]), entries);
        const { texts, problems } = readPngTexts(file);
        expect([...texts]).toEqual(entries);
        expect(problems).toEqual([]);
        expect(await decodePixels(file)).toEqual(picture);
      },
    ),
    { numRuns: 60 },
  );
});

test('Latin-1 goes into tEXt, all else into iTXt, as Pillow does it', () => {
  const latin = Buffer.from(writePngTexts(png, [['parameters', 'Ärger\nzwei']]));
  expect(latin.includes(Buffer.from('tEXtparameters\0Ärger\nzwei', 'latin1'))).toBe(true);
  const chinese = Buffer.from(writePngTexts(png, [['parameters', '猫']]));
  expect(chinese.includes(Buffer.from('iTXtparameters\0\0\0\0\0猫', 'utf8'))).toBe(true);
});

test('UTF-8 in tEXt, as stable-diffusion.cpp writes it, is read as what it is', () => {
  expect(textOf(withChunk('tEXt', Buffer.from('parameters\0eine süße 猫')))).toBe('eine süße 猫');
  expect(textOf(withChunk('tEXt', Buffer.from('parameters\0eine süße', 'latin1')))).toBe('eine süße');
});

test('Latin-1 that could be taken for UTF-8 is written so that nobody does', () => {
  const file = writePngTexts(png, [['parameters', 'Ã©']]);
  expect(Buffer.from(file).includes(Buffer.from('iTXtparameters'))).toBe(true);
  expect(textOf(file)).toBe('Ã©');
});

test('zTXt and compressed iTXt are read', () => {
  expect(
    textOf(
      withChunk(
        'zTXt',
        Buffer.concat([Buffer.from('parameters\0\0', 'latin1'), deflateSync(Buffer.from('süß', 'latin1'))]),
      ),
    ),
  ).toBe('süß');
  expect(textOf(international('\x01\0\0\0', deflateSync(Buffer.from('猫'))))).toBe('猫');
  expect(textOf(international('\0\0en\0Parameter\0', Buffer.from('猫')))).toBe('猫');
  expect(textOf(withChunk('comf', Buffer.from('prompt\0{"1": 2}')), 'prompt')).toBe('{"1": 2}');
});

test('of equal keywords the first counts', () => {
  expect(
    textOf(
      writePngTexts(png, [
        ['parameters', 'first'],
        ['parameters', 'second'],
      ]),
    ),
  ).toBe('first');
});

test('what unpacks to more than a mebibyte, is damaged or makes no sense is left out and said', () => {
  const bomb = deflateSync(Buffer.alloc(MAX_INFLATED_BYTES + 1));
  const cases = [
    [
      withChunk('zTXt', Buffer.concat([Buffer.from('parameters\0\0', 'latin1'), bomb])),
      /"parameters" cannot be unpacked or is too long/,
    ],
    [international('\x01\0\0\0', Buffer.from('no zlib')), /cannot be unpacked/],
    [international('\0\0no end', Buffer.alloc(0)), /cannot be unpacked/],
    [withChunk('tEXt', Buffer.from('parameters\0text'), 1), /tEXt chunk is damaged/],
    [withChunk('tEXt', Buffer.from('no separator')), /no keyword/],
  ] as const;
  for (const [file, problem] of cases) {
    const { texts, problems } = readPngTexts(file);
    expect(texts.size).toBe(0);
    expect(problems).toEqual([expect.stringMatching(problem)]);
  }
});

test('a file that breaks off, or says so, gives what came before', () => {
  const file = writePngTexts(png, [
    ['parameters', 'kept'],
    ['prompt', 'lost'],
  ]);
  const cut = Buffer.from(file).indexOf('lost') + 2;
  expect([...readPngTexts(file.subarray(0, cut)).texts.keys()]).toEqual(['parameters']);
  expect(readPngTexts(new Uint8Array(0)).texts.size).toBe(0);
  expect(() => writePngTexts(Uint8Array.from([1, 2, 3]), [])).toThrow(/PNG files only/);
});

test('any damage gives a result and allocates no more than the limit', () => {
  const file = writePngTexts(png, [
    ['parameters', 'a cat'],
    ['prompt', '猫'.repeat(40)],
  ]);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { maxLength: 8 }), (changes) => {
      const damaged = Uint8Array.from(file);
      for (const [at, value] of changes) damaged[at] = value;
      expect(largestAllocation(() => readPngTexts(damaged))).toBeLessThanOrEqual(MAX_INFLATED_BYTES);
    }),
    { numRuns: 3000 },
  );
});
