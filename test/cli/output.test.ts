import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { freeName, writeNew } from '../../main/cli/output.ts';
import { emulsion } from '../helpers/emulsion.ts';
import { tempFolder } from '../helpers/tempFolder.ts';

test('writers that want the same name at the same moment each keep their file', async () => {
  const folder = tempFolder();
  const paths = await Promise.all(
    Array.from({ length: 8 }, (_, i) => writeNew(() => freeName(folder, 'boat'), Uint8Array.of(i))),
  );
  expect(new Set(paths).size).toBe(8);
  expect(paths.map((path) => readFileSync(path)[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  // Nothing temporary stays.
  expect(readdirSync(folder)).toHaveLength(8);
});

test('enlarged pictures never take the place of other files', async () => {
  const folder = tempFolder();
  const [from, out] = [join(folder, 'in'), join(folder, 'out')];
  mkdirSync(from);
  for (const name of ['boat.jpg', 'boat.png'])
    await sharp({ create: { width: 16, height: 16, channels: 3, background: '#804020' } }).toFile(
      join(from, name),
    );
  for (let i = 0; i < 2; i++) expect((await emulsion(['upscale', from, '--out', out])).code).toBe(0);
  expect(readdirSync(out).toSorted()).toEqual([
    'boat-64x64-2.png',
    'boat-64x64-3.png',
    'boat-64x64-4.png',
    'boat-64x64.png',
  ]);
});
