/** Makes drawn pictures look like painted ones: softer, and of other contrast, as decoders and guidance leave them. */

import type { Rng } from '../loop/normals.ts';
import { PICTURE_SIZE } from '../models.ts';

/** Half of the pictures are softened once or twice. */
const SOFTENED = 0.6;
const CONTRAST = [0.9, 1.2] as const;

/** Changes one picture [3, 128, 128] of −1…1 in place. */
export function soften(picture: Float32Array, random: Rng): void {
  const contrast = random.between(...CONTRAST);
  const times = random.chance(SOFTENED) ? 1 + Number(random.chance(0.5)) : 0;
  for (let time = 0; time < times; time++) {
    blur(picture, 1);
    blur(picture, PICTURE_SIZE);
  }
  for (let i = 0; i < picture.length; i++) picture[i] = Math.min(1, Math.max(-1, contrast * picture[i]!));
}

/** Mean of three neighbours along the axis of `stride` 1 (rows) or PICTURE_SIZE (columns); the border stays. */
function blur(values: Float32Array, stride: number): void {
  const area = PICTURE_SIZE ** 2;
  const lines = values.length / PICTURE_SIZE;
  for (let line = 0; line < lines; line++) {
    const plane = Math.floor(line / PICTURE_SIZE) * area;
    const start = plane + (line % PICTURE_SIZE) * (stride === 1 ? PICTURE_SIZE : 1);
    let before = values[start]!;
    for (let i = 1; i < PICTURE_SIZE - 1; i++) {
      const at = start + i * stride;
      const here = values[at]!;
      values[at] = (before + here + values[at + stride]!) / 3;
      before = here;
    }
  }
}
