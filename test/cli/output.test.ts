import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeNew } from '../../main/cli/output.ts';
import { tempFolder } from '../helpers/tempFolder.ts';

test('writers that want the same name at the same moment each keep their file', async () => {
  const folder = tempFolder();
  const nextName = (): string => {
    let number = 1;
    while (existsSync(join(folder, `${number}.png`))) number++;
    return join(folder, `${number}.png`);
  };
  const paths = await Promise.all(Array.from({ length: 8 }, (_, i) => writeNew(nextName, Uint8Array.of(i))));
  expect(new Set(paths).size).toBe(8);
  expect(paths.map((path) => readFileSync(path)[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  // Nothing temporary stays.
  expect(readdirSync(folder)).toHaveLength(8);
});
