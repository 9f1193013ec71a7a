/** Small WebP versions of pictures, made when first asked for and kept by contents. */
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { MAX_PIXELS } from '../images/codec.ts';

/** Longest side; sharp enough for a 192-point tile on a dense screen. */
const SIDE = 384;

export interface Thumbnails {
  /** Path of the thumbnail of `source`, whose bytes have this sha256. Throws what the decoder throws. */
  of(source: string, sha256: string): Promise<string>;
}

/** @param root folder of the thumbnails; it may be emptied at any time. */
export function createThumbnails(root: string): Thumbnails {
  const making = new Map<string, Promise<string>>();
  return {
    of: (source, sha256) => {
      const target = join(root, sha256.slice(0, 2), `${sha256}.webp`);
      if (existsSync(target)) return Promise.resolve(target);
      const known = making.get(target);
      if (known !== undefined) return known;
      const work = make(source, target).finally(() => making.delete(target));
      making.set(target, work);
      return work;
    },
  };
}

async function make(source: string, target: string): Promise<string> {
  mkdirSync(dirname(target), { recursive: true });
  const temporary = `${target}.part`;
  await sharp(source, { limitInputPixels: MAX_PIXELS })
    .autoOrient()
    .resize(SIDE, SIDE, { fit: 'inside', withoutEnlargement: true })
    .webp({ quality: 82 })
    .toFile(temporary);
  renameSync(temporary, target);
  return target;
}
