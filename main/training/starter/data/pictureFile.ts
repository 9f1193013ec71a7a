/** The drawn data set on disk: pictures one after another as planar RGB bytes, drawn once for all parts that need them. */
import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { type Split, sample, sceneAt } from '../../world/dataset.ts';
import { drawScene } from '../../world/draw.ts';
import { PICTURE_SIZE } from '../models.ts';
import { drawAll } from './pictures.ts';

const AREA = PICTURE_SIZE ** 2;
/** Bytes of one picture. */
const PICTURE_BYTES = 3 * AREA;
/** Pictures drawn between two writes. */
const CHUNK = 512;

/** Draws pictures 0…count−1 of a split into `path`, going on where an earlier run stopped. */
export async function drawPictures(path: string, count: number, split: Split = 'train'): Promise<void> {
  const file = openSync(path, existsSync(path) ? 'r+' : 'w+');
  try {
    for (
      let first = Math.floor(fstatSync(file).size / PICTURE_BYTES / CHUNK) * CHUNK;
      first < count;
      first += CHUNK
    ) {
      const pictures = await drawAll(CHUNK, async (i) =>
        planar((await sample(first + i, split)).pixels.data),
      );
      writeSync(file, Buffer.concat(pictures), 0, CHUNK * PICTURE_BYTES, first * PICTURE_BYTES);
    }
  } finally {
    closeSync(file);
  }
}

/** Reads picture `index` as floats in −1…1 into `out` from `offset`: [3, size, size]. */
export interface PictureFile {
  readonly count: number;
  read(index: number, out: Float32Array, offset: number): void;
  close(): void;
}

/** Opens a file that `drawPictures` wrote; pictures are read as floats in −1…1. Throws when it is missing. */
export function openPictures(path: string): PictureFile {
  const file = openSync(path, 'r');
  const bytes = new Uint8Array(PICTURE_BYTES);
  return {
    count: Math.floor(fstatSync(file).size / PICTURE_BYTES),
    read: (index, out, offset) => {
      if (readSync(file, bytes, 0, PICTURE_BYTES, index * PICTURE_BYTES) < PICTURE_BYTES)
        throw new RangeError(`${path} has no picture ${index}; draw the pictures first`);
      for (let i = 0; i < PICTURE_BYTES; i++) out[offset + i] = bytes[i]! / 127.5 - 1;
    },
    close: () => closeSync(file),
  };
}

/** Line drawings of scenes 0…count−1 of the training split, one byte a pixel, in `path`; drawn once. */
export async function drawHints(path: string, count: number): Promise<Uint8Array> {
  if (existsSync(path) && statSync(path).size === count * AREA) return readFileSync(path);
  const all = new Uint8Array(count * AREA);
  await drawAll(count, async (index) => {
    const { data } = await drawScene(sceneAt(index, 'train'), PICTURE_SIZE, 'edges');
    for (let i = 0; i < AREA; i++) all[index * AREA + i] = data[3 * i]!;
  });
  writeFileSync(path, all);
  return all;
}

function planar(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(PICTURE_BYTES);
  for (let i = 0; i < AREA; i++)
    for (let channel = 0; channel < 3; channel++) out[channel * AREA + i] = data[3 * i + channel]!;
  return out;
}
