/** The endless data set of the little world: sample number `index` of a split is the same on every machine. */

import { hash } from '../random.ts';
import { captionOf } from './captions.ts';
import { drawScene, type Pixels, type Style, WOODCUT_TRIGGER } from './draw.ts';
import { isHeldOut, type Scene, type SceneOptions, sceneFromSeed } from './scene.ts';

/**
 * `train`: no held-out combination. `heldOut`: one object in a combination training never saw.
 * `unseen`: combinations of training in scenes of other seeds, for validation during training. `any`: all combinations, in
 * seeds of their own: what the judge is trained on, who must know what the other models never saw.
 */
export const SPLITS = ['train', 'heldOut', 'unseen', 'any'] as const;
export type Split = (typeof SPLITS)[number];

export interface SampleOptions extends SceneOptions {
  /** Pixels a side; default 128. */
  readonly size?: number;
  readonly style?: Style;
}

export interface Sample {
  readonly scene: Scene;
  readonly caption: string;
  readonly pixels: Pixels;
}

/** The scene of a sample, without drawing it. Throws RangeError when the options leave nothing to hold out. */
export function sceneAt(index: number, split: Split, options: SceneOptions = {}): Scene {
  if (split === 'heldOut' && options.count === 0)
    throw new RangeError('A scene without objects is never held out: ask for count 1 to 3');
  const wanted = split === 'heldOut';
  const all = wanted ? { count: 1, ...options } : options;
  for (let attempt = 0; ; attempt++) {
    const scene = sceneFromSeed(hash(split, index, attempt), all);
    if (split === 'any' || isHeldOut(scene) === wanted) return scene;
  }
}

/** The caption of a sample; each `epoch` words the same scene anew. */
export function captionAt(scene: Scene, index: number, style: Style = 'flat', epoch = 0): string {
  const caption = captionOf(scene, hash('caption', index, epoch, scene.seed));
  return style === 'woodcut' ? `${WOODCUT_TRIGGER}, ${caption}` : caption;
}

/** Scene, caption and picture number `index` of `split`. */
export async function sample(
  index: number,
  split: Split,
  { size = 128, style = 'flat', ...options }: SampleOptions = {},
): Promise<Sample> {
  const scene = sceneAt(index, split, options);
  return { scene, caption: captionAt(scene, index, style), pixels: await drawScene(scene, size, style) };
}

/** Writes pixels as planar RGB in [−1, 1] (the VAE's range) into `out` from `offset`: [3, size, size]. */
export function writePlanar({ data, size }: Pixels, out: Float32Array, offset = 0): void {
  const area = size * size;
  if (offset + 3 * area > out.length)
    throw new RangeError(`${3 * area} values from ${offset} do not fit into ${out.length}`);
  for (let i = 0, p = 0; i < area; i++, p += 3) {
    out[offset + i] = data[p]! / 127.5 - 1;
    out[offset + area + i] = data[p + 1]! / 127.5 - 1;
    out[offset + 2 * area + i] = data[p + 2]! / 127.5 - 1;
  }
}
