/** In a process of its own: where it goes wrong it never comes back. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../../main/storage/makeFolder.ts';
import { tempFolder } from '../helpers/tempFolder.ts';

test('folders are made with those above them, and one that is there is left alone', () => {
  const folder = join(tempFolder(), 'a/b/c');
  makeFolder(folder);
  makeFolder(folder);
  expect(existsSync(folder)).toBe(true);
});

test.runIf(existsSync('/proc'))('a data folder where no folders are made is refused (Linux only)', () => {
  const module = join(import.meta.dirname, '../../main/storage/dataFolder.ts');
  const script = `import { openDataFolder } from '${module}'; openDataFolder('/proc/nowhere/data');`;
  const open = () =>
    execFileSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 20_000, stdio: 'pipe' });
  expect(open).toThrow(/The data folder \/proc\/nowhere\/data cannot be written to/);
});
