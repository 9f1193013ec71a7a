/** Small WebP versions of pictures, made when first asked for and kept by contents. */
import { statSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
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
      // A power cut may leave a name without its bytes.
      if (statSync(target, { throwIfNoEntry: false })?.size) return Promise.resolve(target);
      const known = making.get(target);
      if (known !== undefined) return known;
      const work = make(source, target).finally(() => making.delete(target));
      making.set(target, work);
      return work;
    },
  };
}

/** Not writeDurably: a wall asks for a hundred at once, and nobody else should wait for the disk. */
async function make(source: string, target: string): Promise<string> {
  const bytes = await sharp(source, { limitInputPixels: MAX_PIXELS })
    .autoOrient()
    .resize(SIDE, SIDE, { fit: 'inside', withoutEnlargement: true })
    .webp({ quality: 82 })
    .toBuffer();
  const temporary = `${target}.part`;
  await mkdir(dirname(target), { recursive: true });
  await writeFile(temporary, bytes, { flush: true });
  await rename(temporary, target);
  return target;
}
