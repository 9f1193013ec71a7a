/** The proofs of the starter: each paints pictures with the models and measures one promise. */

import { canonicalPrompt } from '../world/captions.ts';
import { sceneAt, writePlanar } from '../world/dataset.ts';
import { drawScene } from '../world/draw.ts';
import type { Scene } from '../world/scene.ts';
import { judge, judgeAccuracy, type Scores } from './clip/judge.ts';
import { liveTowers } from './clip/towers.ts';
import { drawAll } from './data/pictures.ts';
import { edgeScore } from './denoise/edges.ts';
import { type SamplingOptions, type StarterModels, samplePictures } from './denoise/sampling.ts';
import { LATENT_SIZE, PICTURE_SIZE } from './models.ts';
import { encodeAll, measureVae } from './vae/vaeModel.ts';

const PICTURE_VALUES = 3 * PICTURE_SIZE ** 2;
const SAMPLING: SamplingOptions = { steps: 20, guidanceScale: 4, seed: 1 };

/** Pictures a proof shows in its card, and figures by name. */
export interface Proof {
  readonly figures: Readonly<Record<string, number>>;
  readonly pictures?: Float32Array;
  readonly prompts?: readonly string[];
}

/** Pictures from prompts whose combinations never occurred in training, as the CLIP pair judges them. */
export async function textToImage(models: StarterModels, count: number): Promise<Proof> {
  const scenes = Array.from({ length: count }, (_, index) => sceneAt(index, 'heldOut'));
  const prompts = scenes.map((scene) => canonicalPrompt(scene));
  const pictures = await samplePictures(models, prompts, SAMPLING);
  return { figures: { ...(await judged(models, pictures, scenes)) }, pictures, prompts };
}

/** The judge on pictures whose content is known: drawn scenes in combinations it never saw. */
export async function judgeOfDrawnScenes(models: StarterModels, count: number): Promise<Proof> {
  const towers = await liveTowers(models.clip);
  const figures = await judgeAccuracy(towers, count);
  await Promise.all([towers.image.release(), towers.text.release()]);
  return { figures: { ...figures } };
}

export async function reconstruction(models: StarterModels, count: number): Promise<Proof> {
  return { figures: { psnr: (await measureVae(models.vae, count)).psnr } };
}

/** Edges of pictures painted from the same prompts and noise with and without the line drawing. */
export async function lineControl(models: StarterModels, count: number): Promise<Proof> {
  const scenes = Array.from({ length: count }, (_, index) => sceneAt(1000 + index, 'heldOut'));
  const prompts = scenes.map((scene) => canonicalPrompt(scene));
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
  return {
    figures: { 'F-score with hint': score(led), 'F-score without': score(free) },
    pictures: led,
    prompts,
  };
}

/** An object painted into the middle of a drawn, empty scene: is it there, and did nothing else change? */
export async function inpainting(models: StarterModels, count: number): Promise<Proof> {
  const asked = Array.from({ length: count }, (_, index) => intoTheMiddle(sceneAt(2000 + index, 'heldOut')));
  const prompts = asked.map((scene) => canonicalPrompt(scene));
  const sources = await drawnPictures(asked.map((scene) => ({ ...scene, objects: [] })));
  const init = await encodeAll(models.vae, sources);
  const mask = repeated(middleMask(LATENT_SIZE), count);
  const painted = await samplePictures(models, prompts, { ...SAMPLING, init, mask });
  const pixelMask = middleMask(PICTURE_SIZE);
  const pictures = pasted(sources, painted, pixelMask);
  const { kind, colour } = await judged(models, pictures, asked);
  const outside = meanDifference(sources, pictures, (i) => pixelMask[i % pixelMask.length] === 0);
  return { figures: { kind, colour, 'change outside the mask': outside }, pictures, prompts };
}

/** Mean distance from the source picture by denoising strength. */
export async function imageToImage(models: StarterModels, count: number): Promise<Proof> {
  const scenes = Array.from({ length: count }, (_, index) => sceneAt(3000 + index, 'heldOut'));
  const prompts = scenes.map((scene, index) =>
    canonicalPrompt({ ...scene, sky: scenes[(index + 1) % count]!.sky }),
  );
  const sources = await drawnPictures(scenes);
  const init = await encodeAll(models.vae, sources);
  const figures: Record<string, number> = {};
  for (const denoisingStrength of [0.2, 0.4, 0.6, 0.8, 1]) {
    const pictures = await samplePictures(models, prompts, { ...SAMPLING, init, denoisingStrength });
    figures[`distance at ${denoisingStrength}`] = meanDifference(sources, pictures, () => true);
  }
  return { figures };
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

async function drawnPictures(scenes: readonly Scene[]): Promise<Float32Array<ArrayBuffer>> {
  const drawn = await drawAll(scenes.length, (index) => drawScene(scenes[index]!, PICTURE_SIZE));
  const all = new Float32Array(scenes.length * PICTURE_VALUES);
  for (const [index, pixels] of drawn.entries()) writePlanar(pixels, all, index * PICTURE_VALUES);
  return all;
}

function intoTheMiddle(scene: Scene): Scene {
  return {
    ...scene,
    objects: scene.objects.map((object) => ({ ...object, x: 0.5, place: 'centre', size: 'medium' })),
  };
}

/** 1 in the middle three quarters of the width, below the top sixth. */
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

/** Mean absolute difference, of −1…1, over the numbers that `counted` chooses. */
function meanDifference(a: Float32Array, b: Float32Array, counted: (index: number) => boolean): number {
  let [sum, count] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    if (!counted(i)) continue;
    sum += Math.abs(a[i]! - b[i]!);
    count++;
  }
  return sum / count;
}

function pictureOf(pictures: Float32Array, index: number): Float32Array {
  return pictures.subarray(index * PICTURE_VALUES, (index + 1) * PICTURE_VALUES);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
