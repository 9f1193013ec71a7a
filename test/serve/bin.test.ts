/** The system's bin as freedesktop describes it: a note for each file, and a file for each note. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { moveToSystemBin } from '../../main/serve/bin.ts';
import { tempFolder } from '../helpers/tempFolder.ts';

test.runIf(process.platform === 'linux')(
  'files called alike that go at once all arrive; one that is gone leaves no note (Linux only)',
  async () => {
    const root = tempFolder();
    vi.stubEnv('XDG_DATA_HOME', join(root, 'share'));
    const files = Array.from({ length: 8 }, (_, i) => join(root, `folder ${i}`, 'model.safetensors'));
    for (const [i, file] of files.entries()) {
      mkdirSync(join(file, '..'));
      writeFileSync(file, `model ${i}`);
    }
    await Promise.all(files.map(moveToSystemBin));
    const trash = join(root, 'share/Trash');
    const names = readdirSync(join(trash, 'files'));
    const contents = names.map((name) => readFileSync(join(trash, 'files', name), 'utf8'));
    expect(contents.toSorted()).toEqual(files.map((_, i) => `model ${i}`));
    expect(files.some((file) => existsSync(file))).toBe(false);
    for (const name of names) {
      const note = readFileSync(join(trash, 'info', `${name}.trashinfo`), 'utf8');
      const number = readFileSync(join(trash, 'files', name), 'utf8').slice(-1);
      expect(note).toContain(`folder%20${number}/model.safetensors`);
    }
    await expect(moveToSystemBin(files[0]!)).rejects.toThrow('ENOENT');
    expect(readdirSync(join(trash, 'info'))).toHaveLength(8);
  },
);
