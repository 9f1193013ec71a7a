/** What every proof of the starter shares: its result, the settings it paints under, pictures in rows. */
import { canonicalPrompt } from '../../world/captions.ts';
import { sceneAt, writePlanar } from '../../world/dataset.ts';
import { drawScene } from '../../world/draw.ts';
import type { Scene } from '../../world/scene.ts';
import { drawAll } from '../data/pictures.ts';
import type { SamplingOptions } from '../denoise/sampling.ts';
import { PICTURE_SIZE, STARTER_DEFAULTS } from '../models.ts';

/** Numbers in one picture. */
export const PICTURE_VALUES = 3 * PICTURE_SIZE ** 2;
export const SAMPLING: SamplingOptions = {
  steps: STARTER_DEFAULTS.steps,
  guidanceScale: STARTER_DEFAULTS.guidanceScale,
  seed: 1,
};

/** Pictures that a card shows, row by row: [n, 3, size, size] in −1…1. */
export interface Grid {
  readonly pictures: Float32Array;
  readonly columns: number;
  /** Pixels a side; PICTURE_SIZE when absent. */
  readonly size?: number;
}

export interface Proof {
  readonly figures: Readonly<Record<string, number>>;
  readonly grid?: Grid;
}

/** Scenes in combinations that training never saw, with their plain prompts; proofs start at numbers of their own. */
export function heldOutScenes(first: number, count: number): { scenes: Scene[]; prompts: string[] } {
  const scenes = Array.from({ length: count }, (_, index) => sceneAt(first + index, 'heldOut'));
  return { scenes, prompts: scenes.map((scene) => canonicalPrompt(scene)) };
}

/** The scenes as drawn: [scenes.length, 3, 128, 128] in −1…1. */
export async function drawnPictures(scenes: readonly Scene[]): Promise<Float32Array<ArrayBuffer>> {
  const drawn = await drawAll(scenes.length, (index) => drawScene(scenes[index]!, PICTURE_SIZE));
  const all = new Float32Array(scenes.length * PICTURE_VALUES);
  for (const [index, pixels] of drawn.entries()) writePlanar(pixels, all, index * PICTURE_VALUES);
  return all;
}

/** The first `columns` pictures of every set, one set a row. */
export function rowsOf(columns: number, ...sets: readonly Float32Array[]): Grid {
  const size = columns * PICTURE_VALUES;
  const pictures = new Float32Array(sets.length * size);
  for (const [row, set] of sets.entries()) pictures.set(set.subarray(0, size), row * size);
  return { pictures, columns };
}

/** Picture `index` of a set, as a view [3, 128, 128]. */
export function pictureOf(pictures: Float32Array, index: number): Float32Array {
  return pictures.subarray(index * PICTURE_VALUES, (index + 1) * PICTURE_VALUES);
}

/** Mean absolute difference, of −1…1, over the numbers that `counted` chooses. */
export function meanDifference(
  a: Float32Array,
  b: Float32Array,
  counted: (index: number) => boolean = () => true,
): number {
  let [sum, count] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    if (!counted(i)) continue;
    sum += Math.abs(a[i]! - b[i]!);
    count++;
  }
  return sum / count;
}

/** NaN for an empty list. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
