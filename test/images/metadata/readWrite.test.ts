import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { decodePixels, encodePixels, PictureError } from '../../../main/images/codec.ts';
import { readPngTexts, writePngTexts } from '../../../main/images/metadata/pngChunks.ts';
import { interpretTexts, readImageMetadata } from '../../../main/images/metadata/read.ts';
import { encodeWithMetadata, metadataTexts, withoutPaths } from '../../../main/images/metadata/write.ts';
import { pixelsOf, withAlpha } from '../../../main/images/pixels.ts';
import { type GenerationRequest, upscaleRequestSchema } from '../../../preload/request.ts';
import { takenShortcuts } from '../../../preload/shortcuts.ts';
import { temporaryFolder } from '../../helpers/weightFiles.ts';
import { anyRequest, request } from '../requests.ts';

const picture = pixelsOf(
  Uint8Array.from({ length: 16 * 8 * 3 }, (_, i) => (i * 7) % 256),
  16,
  8,
  3,
);
const png = await encodePixels(picture, 'png');
const A1111 = 'a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 512x512, Model: m';

/** A request as its picture tells it: with the shortcuts that its speed stood for. */
function recorded(made: GenerationRequest): GenerationRequest {
  const shortcuts = takenShortcuts(made);
  return shortcuts ? { ...made, shortcuts } : made;
}

test('every request comes back equal from a PNG, with the pixels untouched', async () => {
  await fc.assert(
    fc.asyncProperty(anyRequest, async (made) => {
      const file = await encodeWithMetadata(picture, 'png', { request: made, batchIndex: made.batch - 1 });
      const found = await readImageMetadata(file);
      expect(found).toMatchObject({
        source: 'emulsion',
        batchIndex: made.batch - 1,
        missing: [],
        problems: [],
      });
      expect(found.request).toEqual(recorded(made));
      expect(await decodePixels(file)).toEqual(picture);
    }),
    { numRuns: 150 },
  );
});

test('WebP and JPEG carry the same', async () => {
  await fc.assert(
    fc.asyncProperty(anyRequest, fc.constantFrom('webp' as const, 'jpeg' as const), async (made, format) => {
      const found = await readImageMetadata(await encodeWithMetadata(picture, format, { request: made }));
      expect(found.source).toBe('emulsion');
      expect(found.request).toEqual(recorded(made));
      expect(Object.keys(found.raw).sort()).toEqual(['emulsion', 'parameters', 'prompt']);
    }),
    { numRuns: 60 },
  );
});

test('without our own text the A1111 text is read, without that the ComfyUI graph', () => {
  const made = request({ sampler: 'heun', negativePrompt: 'blur' });
  const texts = new Map(metadataTexts({ request: made }));
  expect([...texts.keys()]).toEqual(['parameters', 'emulsion', 'prompt']);
  for (const [lost, source] of [
    ['emulsion', 'a1111'],
    ['parameters', 'comfyui'],
  ] as const) {
    texts.delete(lost);
    const recall = interpretTexts(texts)!;
    expect(recall.source).toBe(source);
    expect(recall.request).toMatchObject({
      prompt: 'a red boat',
      negativePrompt: 'blur',
      sampler: 'heun',
      seed: '42',
      width: 512,
    });
  }
});

test('a text of a later version of ours that is not understood falls back to A1111', () => {
  const texts = new Map([
    ['emulsion', '{"version": 9, "request": {"kind": "dream"}}'],
    ['parameters', A1111],
  ]);
  expect(interpretTexts(texts)?.source).toBe('a1111');
});

test('prompt only, and nothing at all', async () => {
  const made = request({ negativePrompt: 'blur' });
  const promptOnly = await readImageMetadata(
    await encodeWithMetadata(picture, 'png', { request: made, mode: 'prompt' }),
  );
  expect(promptOnly.raw).toEqual({ parameters: 'a red boat\nNegative prompt: blur' });
  expect(promptOnly.request).toMatchObject({ prompt: 'a red boat', negativePrompt: 'blur' });
  expect(await encodeWithMetadata(picture, 'png', { request: made, mode: 'none' })).toEqual(png);
});

test('an enlarged picture carries its own kind of request', async () => {
  const upscale = upscaleRequestSchema.parse({
    kind: 'upscale',
    image: { sha256: 'ab'.repeat(32) },
    upscaler: { name: 'x4' },
  });
  const found = await readImageMetadata(await encodeWithMetadata(picture, 'png', { request: upscale }));
  expect(found).toMatchObject({ source: 'emulsion', upscale, missing: [] });
});

test('pictures for others tell no folders', () => {
  const made = request({
    checkpoint: { name: 'm', path: '/home/ada/models/m.safetensors' },
    loras: [{ model: { name: 'l', path: 'C:\\Users\\ada\\l.safetensors' }, unetWeight: 1, textWeight: 1 }],
    kind: 'inpaint',
    initImage: { path: '/home/ada/photo.png' },
    mask: { path: '/home/ada/mask.png', sha256: 'ab'.repeat(32) },
    denoisingStrength: 0.5,
  });
  const texts = metadataTexts({ request: made, withoutPaths: true }).map(([, text]) => text);
  expect(texts.join('\n')).not.toMatch(/ada/);
  const graph = JSON.parse(texts.at(-1)!) as Record<string, { class_type: string; inputs: object }>;
  const inputsOf = (type: string) => Object.values(graph).find((node) => node.class_type === type)?.inputs;
  expect(inputsOf('CheckpointLoaderSimple')).toEqual({ ckpt_name: 'm.safetensors' });
  expect(inputsOf('LoraLoader')).toMatchObject({ lora_name: 'l.safetensors' });
  expect(inputsOf('LoadImage')).toEqual({ image: 'photo.png' });
  expect(withoutPaths(made)).toMatchObject({
    checkpoint: { name: 'm' },
    initImage: { path: 'photo.png' },
    mask: { sha256: 'ab'.repeat(32) },
  });
  expect(
    metadataTexts({ request: made })
      .map(([, text]) => text)
      .join('\n'),
  ).toMatch(/ada/);
});

test('JPEG leaves out what does not fit, the A1111 text last', async () => {
  const long = request({ prompt: 'a boat, '.repeat(2500) });
  const found = await readImageMetadata(await encodeWithMetadata(picture, 'jpeg', { request: long }));
  expect(Object.keys(found.raw).sort()).toEqual(['emulsion', 'parameters']);
  const longest = request({ prompt: 'a boat, '.repeat(9000) });
  await expect(encodeWithMetadata(picture, 'jpeg', { request: longest })).rejects.toThrow(/64 KiB/);
});

test('files of other programs are told apart', () => {
  const source = (texts: Record<string, string>) => interpretTexts(new Map(Object.entries(texts)))?.source;
  expect(source({ parameters: A1111 })).toBe('a1111');
  expect(source({ parameters: `${A1111}, Version: stable-diffusion.cpp` })).toBe('sdcpp');
  expect(source({ parameters: A1111, fooocus_scheme: 'a1111' })).toBe('fooocus');
  expect(source({ parameters: '{"prompt": "x", "base_model": "m"}', fooocus_scheme: 'fooocus' })).toBe(
    'fooocus',
  );
  expect(source({ Software: 'NovelAI', Description: 'x', Comment: '{"steps": 28, "uc": ""}' })).toBe(
    'novelai',
  );
  expect(source({ invokeai_metadata: '{"positive_prompt": "x"}', invokeai_workflow: '{}' })).toBe('invokeai');
  expect(source({ prompt: '{"1": {"class_type": "SaveImage", "inputs": {}}}', workflow: '{}' })).toBe(
    'comfyui',
  );
  expect(source({ workflow: '{"nodes": []}' })).toBe('comfyui');
  expect(source({ Software: 'GIMP', prompt: 'what?' })).toBeUndefined();
});

test('foreign formats: EXIF of a JPEG, comment of a GIF, hidden bits of a PNG', async () => {
  const jpeg = await sharp(picture.data, { raw: picture })
    .withExif({ IFD0: { Model: 'prompt:{"1": {"class_type": "SaveImage", "inputs": {}}}' } })
    .webp()
    .toBuffer();
  expect((await readImageMetadata(jpeg)).source).toBe('comfyui');
  const gif = await sharp(picture.data, { raw: picture }).gif().toBuffer();
  const text = Buffer.from(A1111);
  const comment = Buffer.concat([Buffer.from([0x21, 0xfe, text.length]), text, Buffer.from([0])]);
  const withComment = Buffer.concat([gif.subarray(0, -1), comment, gif.subarray(-1)]);
  expect((await readImageMetadata(withComment)).request).toMatchObject({ prompt: 'a cat', seed: '5' });
  const hidden = await encodePixels(hide(A1111), 'png');
  expect((await readImageMetadata(hidden)).request).toMatchObject({ prompt: 'a cat', seed: '5' });
});

/** A1111's stealth writer: signature, bit length and text, column by column in the lowest bit of alpha. */
function hide(text: string) {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length * 8);
  const bits = [...Buffer.concat([Buffer.from('stealth_pnginfo'), length, Buffer.from(text)])].flatMap(
    (byte) => [7, 6, 5, 4, 3, 2, 1, 0].map((bit) => (byte >> bit) & 1),
  );
  const [width, height] = [48, 32];
  const alpha = new Uint8Array(width * height).fill(254);
  bits.forEach((bit, i) => {
    alpha[(i % height) * width + Math.floor(i / height)]! += bit;
  });
  return withAlpha(pixelsOf(new Uint8Array(width * height * 3).fill(90), width, height, 3), alpha);
}

test("a missing size is the picture's own", async () => {
  const novelAi = writePngTexts(png, [
    ['Software', 'NovelAI'],
    ['Comment', '{"steps": 28, "uc": "", "seed": 1}'],
    ['Description', 'x'],
  ]);
  expect((await readImageMetadata(novelAi)).request).toMatchObject({ prompt: 'x', width: 16, height: 8 });
});

test('files by path; what is not there or no picture is said', async () => {
  const path = join(temporaryFolder(), 'cat.png');
  writeFileSync(path, writePngTexts(png, [['parameters', A1111]]));
  expect((await readImageMetadata(path)).source).toBe('a1111');
  await expect(readImageMetadata(`${path}.gone`)).rejects.toThrow(/^cat\.png\.gone: cannot be opened/);
  expect(await readImageMetadata(new TextEncoder().encode('<html>'))).toMatchObject({
    source: undefined,
    request: {},
    raw: {},
  });
});

test('any bytes, and any damage to real files, give a result', async () => {
  const made = request({ prompt: '猫' });
  const files = [
    await encodeWithMetadata(picture, 'png', { request: made }),
    await encodeWithMetadata(picture, 'webp', { request: made }),
    await encodeWithMetadata(picture, 'jpeg', { request: made }),
    await encodePixels(hide(A1111), 'png'),
  ];
  const damaged = fc
    .tuple(
      fc.constantFrom(...files),
      fc.array(fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(255)), {
        maxLength: 6,
      }),
      fc.double({ min: 0, max: 1, noNaN: true }),
    )
    .map(([file, changes, keep]) => {
      const copy = file.slice(0, keep > 0.5 ? file.length : Math.ceil(file.length * keep));
      for (const [at, value] of changes) copy[Math.floor(at * copy.length)] = value;
      return copy;
    });
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 300 }), damaged), async (bytes) => {
      try {
        const { request: recalled, raw } = await readImageMetadata(bytes);
        expect(typeof recalled).toBe('object');
        for (const text of Object.values(raw)) expect(typeof text).toBe('string');
      } catch (error) {
        expect(error).toBeInstanceOf(PictureError);
      }
    }),
    { numRuns: 1500 },
  );
});

test('the texts of a PNG written here are read by the plain chunk reader', async () => {
  const file = await encodeWithMetadata(picture, 'png', { request: request({ prompt: 'Ärger 猫' }) });
  const { texts } = readPngTexts(file);
  expect(texts.get('prompt')).toMatch(/^[ -~]*$/);
  expect(texts.get('emulsion')).toMatch(/^[ -~]*$/);
  expect(texts.get('parameters')).toMatch(/^Ärger 猫\nSteps: 20, /);
});
