import { describe, expect, it } from 'vitest';
import { copyParameters } from '../../../main/training/parameters.ts';
import { clipPairParameters } from '../../../main/training/starter/clip/clipLoss.ts';
import { liveTowers } from '../../../main/training/starter/clip/towers.ts';
import { captionTokens } from '../../../main/training/starter/data/captionTokens.ts';
import { edgeScore } from '../../../main/training/starter/denoise/edges.ts';
import { gaussian, initialise } from '../../../main/training/starter/loop/initialise.ts';
import { PICTURE_SIZE, STARTER_TEXT, STARTER_VISION } from '../../../main/training/starter/models.ts';
import {
  denormalisePictures,
  normalisePictures,
} from '../../../main/training/starter/pictureNormalisation.ts';

const pair = initialise(
  clipPairParameters({ text: STARTER_TEXT, vision: STARTER_VISION }),
  [[/vision.*weight$/, gaussian(0.05)]],
  7,
);
const PLACES = PICTURE_SIZE ** 2;

async function embedding(set: typeof pair, image: Float32Array<ArrayBuffer>): Promise<Float32Array> {
  const { image: tower, text } = await liveTowers(set, 1);
  const made = await tower.run({ image: { values: image, shape: [1, 3, PICTURE_SIZE, PICTURE_SIZE] } });
  await Promise.all([tower.release(), text.release()]);
  return made['embedding']!;
}

describe('what the shipped file differs in from the trained model', () => {
  it('sees normalised pictures as the trained tower sees −1…1, and goes back', async () => {
    const mean = [0.48145466, 0.4578275, 0.40821073];
    const deviation = [0.26862954, 0.26130258, 0.27577711];
    const picture = Float32Array.from({ length: 3 * PLACES }, (_, i) => Math.sin(i / 37));
    const normalised = picture.map((value, i) => {
      const channel = Math.floor(i / PLACES);
      return ((value + 1) / 2 - mean[channel]!) / deviation[channel]!;
    });
    const shipped = copyParameters(pair);
    normalisePictures(shipped);
    const [before, after] = [await embedding(pair, picture), await embedding(shipped, normalised)];
    for (const [i, value] of before.entries()) expect(after[i]).toBeCloseTo(value, 4);
    denormalisePictures(shipped);
    const name = 'vision_model.embeddings.position_embedding.weight';
    for (const [i, value] of shipped.views.get(name)!.entries())
      expect(value).toBeCloseTo(pair.views.get(name)![i]!, 4);
  });
});

describe('captions as tokens', () => {
  it('begins, ends, and fills up with the end token', () => {
    const [ids, length] = [captionTokens(['a cat', ''], 8), 8];
    expect([...ids.slice(0, 4)]).toEqual([49406n, 320n, 2368n, 49407n]);
    expect([...ids.slice(length)]).toEqual([49406n, ...new Array<bigint>(7).fill(49407n)]);
  });

  it('keeps the end token where a caption is cut', () => {
    expect(captionTokens(['a cat and a cat and a cat'], 5).at(-1)).toBe(49407n);
  });
});

describe('edges against a line drawing', () => {
  const size = 32;
  const square = Float32Array.from({ length: 3 * size * size }, (_, i) => {
    const [x, y] = [i % size, Math.floor(i / size) % size];
    return x > 8 && x < 22 && y > 8 && y < 22 ? 1 : -1;
  });
  const drawing = (left: number): Float32Array =>
    Float32Array.from({ length: size * size }, (_, i) => {
      const [x, y] = [i % size, Math.floor(i / size)];
      const inside = x >= left && x <= left + 14 && y >= 8 && y <= 22;
      return Number(inside && (x === left || x === left + 14 || y === 8 || y === 22));
    });

  it('is near 1 for the drawing of the picture and lower for another', () => {
    expect(edgeScore(square, drawing(8), size)).toBeGreaterThan(0.95);
    expect(edgeScore(square, drawing(14), size)).toBeLessThan(0.7);
    expect(edgeScore(new Float32Array(3 * size * size), drawing(8), size)).toBe(0);
  });
});
