/** Pictures side by side in one WebP file. */
import sharp from 'sharp';
import { PICTURE_SIZE } from '../models.ts';

/** Pictures [n, 3, size, size] in −1…1 → WebP of `columns` a row, one white pixel apart. */
export async function pictureGrid(
  pictures: Float32Array,
  columns: number,
  size: number = PICTURE_SIZE,
): Promise<Uint8Array> {
  const count = pictures.length / (3 * size * size);
  const cell = size + 1;
  const [width, height] = [columns * cell, Math.ceil(count / columns) * cell];
  const data = new Uint8Array(width * height * 3).fill(255);
  for (let item = 0; item < count; item++) {
    const [left, top] = [(item % columns) * cell, Math.floor(item / columns) * cell];
    for (let i = 0; i < size * size; i++)
      for (let channel = 0; channel < 3; channel++) {
        const value = pictures[(item * 3 + channel) * size * size + i]!;
        const to = 3 * ((top + Math.floor(i / size)) * width + left + (i % size)) + channel;
        data[to] = Math.round(Math.min(1, Math.max(0, value / 2 + 0.5)) * 255);
      }
  }
  return sharp(data, { raw: { width, height, channels: 3 } })
    .webp({ quality: 88, smartSubsample: true })
    .toBuffer();
}
