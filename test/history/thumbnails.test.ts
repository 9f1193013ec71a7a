import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createThumbnails } from '../../main/history/thumbnails.ts';
import { pictureSize } from '../../main/images/codec.ts';
import { tempFolder } from '../helpers/tempFolder.ts';

const SOURCE = join(import.meta.dirname, '../golden/canny/picture.png');

test('a thumbnail is made once, and anew where a power cut left only its name', async () => {
  const root = tempFolder();
  const thumbnails = createThumbnails(root);
  const [first, second] = await Promise.all([1, 2].map(() => thumbnails.of(SOURCE, 'ab12')));
  expect(second).toBe(first);
  expect(readdirSync(join(root, 'ab'))).toEqual(['ab12.webp']);
  writeFileSync(first ?? '', '');
  const { width, height } = await pictureSize(await thumbnails.of(SOURCE, 'ab12'));
  expect(Math.max(width, height)).toBeLessThanOrEqual(384);
});

test('a picture that cannot be read leaves nothing behind', async () => {
  const root = tempFolder();
  await expect(createThumbnails(root).of(join(root, 'none.png'), 'cd34')).rejects.toThrow();
  expect(existsSync(join(root, 'cd'))).toBe(false);
});
