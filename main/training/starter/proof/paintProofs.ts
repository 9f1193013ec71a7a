/** Proofs by painting: prompts, line drawings, masks and source pictures, each judged for what was promised. */
import { canonicalPrompt } from '../../world/captions.ts';
import { writePlanar } from '../../world/dataset.ts';
import { drawScene } from '../../world/draw.ts';
import type { Scene } from '../../world/scene.ts';
import { judge, type Scores } from '../clip/judge.ts';
import { liveTowers } from '../clip/towers.ts';
import { drawAll } from '../data/pictures.ts';
import { edgeScore } from '../denoise/edges.ts';
import { type StarterModels, samplePictures } from '../denoise/sampling.ts';
import { LATENT_SIZE, PICTURE_SIZE } from '../models.ts';
import { encodeAll } from '../vae/vaeModel.ts';
import {
  drawnPictures,
  type Grid,
  heldOutScenes,
  mean,
  meanDifference,
  PICTURE_VALUES,
  type Proof,
  pictureOf,
  rowsOf,
  SAMPLING,
} from './proof.ts';

/** Denoising strengths that image-to-image is tried at. */
const STRENGTHS = [0.2, 0.4, 0.6, 0.8, 1];

/** Pictures from prompts whose combinations never occurred in training, as the CLIP pair judges them. */
export async function textToImage(
  models: StarterModels,
  count: number,
): Promise<Proof & { readonly grid: Grid }> {
  const { scenes, prompts } = heldOutScenes(0, count);
  const pictures = await samplePictures(models, prompts, SAMPLING);
  const grid = { pictures: pictures.subarray(0, 32 * PICTURE_VALUES), columns: 8 };
  return { figures: { ...(await judged(models, pictures, scenes)) }, grid };
}

/** Edges of pictures painted from the same prompts and noise with and without the line drawing. */
export async function lineControl(models: StarterModels, count: number): Promise<Proof> {
  const { scenes, prompts } = heldOutScenes(1000, count);
  const drawings = await drawAll(count, (index) => drawScene(scenes[index]!, PICTURE_SIZE, 'edges'));
  const hints = new Float32Array(count * PICTURE_VALUES);
  for (const [index, drawing] of drawings.entries()) writePlanar(drawing, hints, index * PICTURE_VALUES);
  for (let i = 0; i < hints.length; i++) hints[i] = hints[i]! / 2 + 0.5;
  const [free, led] = [
    await samplePictures(models, prompts, SAMPLING),
    await samplePictures(models, prompts, { ...SAMPLING, hints }),
  ];
  const score = (pictures: Float32Array): number =>
    mean(
      scenes.map((_, index) =>
        edgeScore(
          pictureOf(pictures, index),
          pictureOf(hints, index).subarray(0, PICTURE_SIZE ** 2),
          PICTURE_SIZE,
        ),
      ),
    );
  const [withHint, without] = [score(led), score(free)];
  return {
    figures: {
      'F-score with hint': withHint,
      'F-score without': without,
      'gain by the hint': withHint - without,
    },
    grid: rowsOf(
      8,
      hints.map((value) => 2 * value - 1),
      led,
      free,
    ),
  };
}

/** An object painted into the middle of a drawn, empty scene: is it there, and did nothing else change? */
export async function inpainting(models: StarterModels, count: number): Promise<Proof> {
  const asked = heldOutScenes(2000, count).scenes.map(intoTheMiddle);
  const prompts = asked.map((scene) => canonicalPrompt(scene));
  const sources = await drawnPictures(asked.map((scene) => ({ ...scene, objects: [] })));
  const init = await encodeAll(models.vae, sources);
  const mask = repeated(middleMask(LATENT_SIZE), count);
  const painted = await samplePictures(models, prompts, { ...SAMPLING, init, mask });
  const pixelMask = middleMask(PICTURE_SIZE);
  const pictures = pasted(sources, painted, pixelMask);
  const { kind, colour } = await judged(models, pictures, asked);
  const outside = meanDifference(sources, pictures, (i) => pixelMask[i % pixelMask.length] === 0);
  const figures = { kind, colour, 'change outside the mask': outside };
  return { figures, grid: rowsOf(8, sources, pictures) };
}

/** Mean distance from the source picture by denoising strength, towards the same scene under another sky. */
export async function imageToImage(models: StarterModels, count: number): Promise<Proof> {
  const { scenes } = heldOutScenes(3000, count);
  const prompts = scenes.map((scene, index) =>
    canonicalPrompt({ ...scene, sky: scenes[(index + 1) % count]!.sky }),
  );
  const sources = await drawnPictures(scenes);
  const init = await encodeAll(models.vae, sources);
  const sets: Float32Array[] = [];
  for (const denoisingStrength of STRENGTHS)
    sets.push(await samplePictures(models, prompts, { ...SAMPLING, init, denoisingStrength }));
  const distances = sets.map((pictures) => meanDifference(sources, pictures));
  const growth = distances.slice(1).map((distance, i) => distance - distances[i]!);
  return {
    figures: {
      ...Object.fromEntries(STRENGTHS.map((strength, i) => [`distance at ${strength}`, distances[i]!])),
      'smallest growth': Math.min(...growth),
    },
    grid: rowsOf(8, sources, ...sets),
  };
}

async function judged(
  models: StarterModels,
  pictures: Float32Array<ArrayBuffer>,
  asked: readonly Scene[],
): Promise<Scores> {
  const towers = await liveTowers(models.clip);
  const scores = await judge(towers, pictures, asked);
  await Promise.all([towers.image.release(), towers.text.release()]);
  return scores;
}

function intoTheMiddle(scene: Scene): Scene {
  return {
    ...scene,
    objects: scene.objects.map((object) => ({ ...object, x: 0.5, place: 'centre', size: 'medium' })),
  };
}

/** 1 in the middle three quarters of the width, below the top eighth. */
function middleMask(size: number): Float32Array {
  const inside = (x: number, y: number): boolean => x >= size / 8 && x < (7 * size) / 8 && y >= size / 8;
  return Float32Array.from({ length: size * size }, (_, i) => Number(inside(i % size, Math.floor(i / size))));
}

function repeated(values: Float32Array, times: number): Float32Array {
  const all = new Float32Array(values.length * times);
  for (let i = 0; i < times; i++) all.set(values, i * values.length);
  return all;
}

/** Outside the mask the source's own pixels, as the studio puts them back. */
function pasted(source: Float32Array, painted: Float32Array, mask: Float32Array): Float32Array<ArrayBuffer> {
  return Float32Array.from(source, (value, i) => (mask[i % mask.length] === 1 ? painted[i]! : value));
}
