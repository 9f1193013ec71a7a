/** Pictures held in memory: drawn once, cut and handed out in batches. */

import { sample } from '../../world/dataset.ts';
import type { Pixels, Style } from '../../world/draw.ts';
import { NEW_KINDS } from '../../world/scene.ts';
import type { Rng } from '../loop/normals.ts';

/** Draws `count` pictures, `make(index)` each, a few at a time so that all cores draw. */
export async function drawAll<T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> {
  const made: T[] = new Array<T>(count);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      made[index] = await make(index);
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  return made;
}

/** Every tenth picture is a woodcut, every tenth shows a cat: what the LoRAs teach must fit through the autoencoder. */
export async function mixedPicture(index: number, size: number): Promise<Pixels> {
  const style: Style = index % 10 === 3 ? 'woodcut' : 'flat';
  const kinds = index % 10 === 7 ? { kinds: NEW_KINDS } : {};
  return (await sample(index, 'train', { size, style, ...kinds })).pixels;
}

/** Writes a square of `side` pixels at a random place as planar RGB in −1…1 into `out` from `offset`. */
export function writeCrop(
  pixels: Pixels,
  side: number,
  random: Rng,
  out: Float32Array,
  offset: number,
): void {
  const corner = (): number => Math.floor(random.next() * (pixels.size - side + 1));
  writeSquare(pixels, { left: corner(), top: corner(), side }, out, offset);
}

/** A square of a picture, in pixels. */
export interface Square {
  readonly left: number;
  readonly top: number;
  readonly side: number;
}

/** Writes `square` of the picture as planar RGB in −1…1 into `out` from `offset`. */
export function writeSquare(
  { data, size }: Pixels,
  { left, top, side }: Square,
  out: Float32Array,
  offset: number,
): void {
  for (let channel = 0; channel < 3; channel++)
    for (let y = 0; y < side; y++) {
      const from = 3 * ((top + y) * size + left) + channel;
      const to = offset + (channel * side + y) * side;
      for (let x = 0; x < side; x++) out[to + x] = data[from + 3 * x]! / 127.5 - 1;
    }
}
