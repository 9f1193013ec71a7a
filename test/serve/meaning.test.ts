import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startStudio } from '../helpers/studio.ts';

const STARTER = join(import.meta.dirname, '../../starter');

test('pictures are found by meaning and by likeness, with the starter’s encoder', async () => {
  const { client } = await startStudio({ starterDir: STARTER });
  const ids: number[] = [];
  for (const name of ['picture.png', 'drawing.png']) {
    const bytes = readFileSync(join(import.meta.dirname, '../golden/canny', name));
    const { image } = await client.images.upload({ file: new Blob([bytes]) });
    ids.push((await client.history.keep({ image })).id);
  }
  const alike = await client.history.page({ like: ids[0]! });
  expect(alike.items[0]!.id).toBe(ids[0]);
  await client.history.page({ like: ids[1]! });
  const found = await client.history.page({ meaning: 'a red boat on the sea' });
  expect(found.items.map(({ id }) => id).sort()).toEqual(ids);
  expect((await client.app.info()).starterCheckpoint).toBeGreaterThan(0);
});
