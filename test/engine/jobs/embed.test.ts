import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { centreSquare, embed } from '../../../main/engine/jobs/embed.ts';
import { createHost } from '../../../main/engine/loading/host.ts';
import { encodePixels } from '../../../main/images/codec.ts';
import { type Pixels, pixelsOf, toTensor } from '../../../main/images/pixels.ts';
import { referenceEmbedding } from '../../helpers/clipReference.ts';
import { PLAIN_SETTINGS } from '../../helpers/engineSettings.ts';
import { tempFolder } from '../../helpers/tempFolder.ts';
import { TINY_VISION, tinyClip, writeClip, writeOpenAiClip } from '../../helpers/tinyClip.ts';
import { TINY_CHECKPOINT } from '../../helpers/tinyModel.ts';

const MEAN = [0.48145466, 0.4578275, 0.40821073];
const DEVIATION = [0.26862954, 0.26130258, 0.27577711];

async function embeddings(model: string, images: readonly string[], texts: readonly string[]) {
  const result = await embed(
    createHost(),
    { kind: 'embed', model, images, texts },
    {
      settings: PLAIN_SETTINGS,
      signal: new AbortController().signal,
      onProgress: () => undefined,
    },
  );
  if (result.kind !== 'embeddings') throw new Error('no embeddings');
  return result;
}

/** A picture no resize can leave as it is, unless it is 32×32. */
function pattern(width: number, height: number, phase: number): Pixels {
  const data = Uint8Array.from(
    { length: width * height * 3 },
    (_, i) => 128 + 120 * Math.sin(i * 0.037 + phase),
  );
  return pixelsOf(data, width, height, 3);
}

async function pictureFile(folder: string, name: string, picture: Pixels): Promise<string> {
  const path = join(folder, name);
  writeFileSync(path, await encodePixels(picture, 'png'));
  return path;
}

test('the image tower computes what the paper says', async () => {
  const folder = tempFolder();
  const clip = tinyClip();
  const model = join(folder, 'clip.safetensors');
  await writeClip(model, clip);
  const picture = pattern(32, 32, 1);
  const { images } = await embeddings(model, [await pictureFile(folder, 'a.png', picture)], []);
  const { data } = toTensor([picture], 'unit');
  const normalised = MEAN.map((mean, c) =>
    Array.from(data.subarray(c * 1024, (c + 1) * 1024), (value) => (value - mean) / DEVIATION[c]!),
  );
  const expected = referenceEmbedding(clip.vision, TINY_VISION, normalised);
  expect(images[0]).toHaveLength(32);
  images[0]!.forEach((value, i) => void expect(value).toBeCloseTo(expected[i]!, 5));
});

test("every layout of the same pair gives the same vectors: Hugging Face's, OpenAI's, a checkpoint's", async () => {
  const folder = tempFolder();
  const clip = tinyClip();
  const picture = await pictureFile(folder, 'a.png', pattern(70, 41, 2));
  const path = (name: string) => join(folder, `${name}.safetensors`);
  await writeClip(path('hf'), clip);
  await writeOpenAiClip(path('openai'), clip);
  await writeClip(path('checkpoint'), clip, {
    text: 'cond_stage_model.transformer.',
    vision: 'clip_vision.',
  });
  const [hf, openai, checkpoint] = await Promise.all(
    ['hf', 'openai', 'checkpoint'].map((name) => embeddings(path(name), [picture], ['a red boat'])),
  );
  for (const other of [openai!, checkpoint!]) {
    other.images[0]!.forEach((value, i) => void expect(value).toBeCloseTo(hf!.images[0]![i]!, 5));
    other.texts[0]!.forEach((value, i) => void expect(value).toBeCloseTo(hf!.texts[0]![i]!, 5));
  }
});

test('vectors have length 1, in the order of the job, whatever stands beside them', async () => {
  const folder = tempFolder();
  const model = join(folder, 'clip.safetensors');
  await writeClip(model, tinyClip());
  const files: string[] = [];
  for (let i = 0; i < 10; i++) files.push(await pictureFile(folder, `${i}.png`, pattern(40 + i, 50, i)));
  const long = 'word '.repeat(500);
  const all = await embeddings(model, files, ['a red boat', 'A RED  boat', long]);
  for (const vector of [...all.images, ...all.texts]) expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
  expect(all.texts[1]).toEqual(all.texts[0]);
  expect(all.texts[2]).not.toEqual(all.texts[0]);
  const [alone] = (await embeddings(model, [files[9]!], [])).images;
  alone!.forEach((value, i) => void expect(value).toBeCloseTo(all.images[9]![i]!, 5));
  expect(all.images[9]).not.toEqual(all.images[8]);
});

test('a picture becomes the square in its middle', () => {
  const halves = pixelsOf(new Uint8Array(64 * 32 * 3), 64, 32, 3);
  for (let i = 0; i < 64 * 32; i++) halves.data[i * 3] = i % 64 < 16 || i % 64 >= 48 ? 255 : 0;
  const middle = centreSquare(halves, 32);
  expect([middle.width, middle.height]).toEqual([32, 32]);
  expect(middle.data.every((value) => value === 0)).toBe(true);
  const strip = centreSquare(pixelsOf(new Uint8Array(3 * 16384), 1, 16384, 3), 32);
  expect([strip.width, strip.height]).toEqual([32, 32]);
});

test('a model without an image tower, and a picture that is none, are named', async () => {
  const folder = tempFolder();
  await expect(embeddings(TINY_CHECKPOINT, [], ['x'])).rejects.toThrow(/sd1-tiny.*no image encoder/);
  const model = join(folder, 'clip.safetensors');
  await writeClip(model, tinyClip());
  writeFileSync(join(folder, 'broken.png'), 'no picture');
  await expect(embeddings(model, [join(folder, 'broken.png')], [])).rejects.toThrow(/broken\.png/);
});
