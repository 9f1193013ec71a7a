/** Pictures to train on. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodePixels } from '../../main/images/codec.ts';
import { pixelsOf } from '../../main/images/pixels.ts';

/** Writes a picture of coloured stripes into `folder`; returns its path. */
export async function stripedPicture(
  folder: string,
  name: string,
  width: number,
  height: number,
): Promise<string> {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return ((pixel % width) >> 3) % 2 === i % 2 ? 220 : (40 + name.length * 10) % 256;
  });
  const path = join(folder, `${name}.png`);
  writeFileSync(path, await encodePixels(pixelsOf(data, width, height, 3), 'png'));
  return path;
}
