/** The data set as latents: every picture through the encoder once, kept on disk as float32 [count, 4, 16, 16]. */
import { closeSync, existsSync, fstatSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { ParameterSet } from '../../parameters.ts';
import { LATENT_SIZE, PICTURE_SIZE, STARTER_VAE } from '../models.ts';
import { liveEncoder, meansOf } from '../vae/vaeModel.ts';
import { openPictures } from './pictureFile.ts';

/** Numbers in one latent. */
export const LATENT_VALUES = STARTER_VAE.embedDim * LATENT_SIZE ** 2;
const PICTURE_VALUES = 3 * PICTURE_SIZE ** 2;
const BATCH = 64;

/** Encodes pictures of `picturePath` into `path` until it holds `count`, going on where an earlier run stopped. */
export async function encodePictures(
  vae: ParameterSet,
  picturePath: string,
  path: string,
  count: number,
  threads = 0,
): Promise<void> {
  const file = openSync(path, existsSync(path) ? 'r+' : 'w+');
  const pictures = openPictures(picturePath);
  const encoder = await liveEncoder(vae, BATCH, threads);
  const values = new Float32Array(BATCH * PICTURE_VALUES);
  try {
    const done = Math.floor(fstatSync(file).size / (4 * LATENT_VALUES * BATCH)) * BATCH;
    for (let first = done; first < count; first += BATCH) {
      for (let i = 0; i < BATCH; i++) pictures.read(first + i, values, i * PICTURE_VALUES);
      const shape = [BATCH, 3, PICTURE_SIZE, PICTURE_SIZE];
      const { moments } = await encoder.run({ image: { values, shape } });
      const means = meansOf(moments!, BATCH);
      writeSync(file, new Uint8Array(means.buffer), 0, means.byteLength, first * LATENT_VALUES * 4);
    }
  } finally {
    closeSync(file);
    pictures.close();
    await encoder.release();
  }
}

/** All latents encoded so far. */
export function readLatents(path: string): { values: Float32Array<ArrayBuffer>; count: number } {
  const bytes = readFileSync(path);
  const count = Math.floor(bytes.length / 4 / LATENT_VALUES);
  const values = new Float32Array(count * LATENT_VALUES);
  new Uint8Array(values.buffer).set(bytes.subarray(0, values.byteLength));
  return { values, count };
}
