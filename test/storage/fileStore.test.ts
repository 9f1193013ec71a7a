import fs, { existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import {
  diskError,
  removePictures,
  settlePending,
  storePicture,
  writeDurably,
} from '../../main/storage/fileStore.ts';
import { readSettings, updateSettings } from '../../main/storage/settings.ts';
import { tempDatabase } from '../helpers/tempDatabase.ts';
import { tempFolder } from '../helpers/tempFolder.ts';

const bytes = new TextEncoder().encode('picture');

test('a stored picture is on disk when its record is written, and no intent is left', () => {
  const db = tempDatabase();
  const root = tempFolder();
  const seen = storePicture(db, root, '2026/a.png', bytes, () => existsSync(join(root, '2026/a.png')));
  expect(seen).toBe(true);
  expect(readFileSync(join(root, '2026/a.png'), 'utf8')).toBe('picture');
  expect(db.value('SELECT count(*) FROM pending_files')).toBe(0);
});

test('when recording fails the file stays an open intent, to be adopted at the next start', () => {
  const db = tempDatabase();
  const root = tempFolder();
  expect(() =>
    storePicture(db, root, 'a.png', bytes, () => {
      throw new Error('power cut');
    }),
  ).toThrow('power cut');
  expect(settlePending(db, root)).toEqual(['a.png']);
});

test('half files go, whole ones are handed out, removals are finished', () => {
  const db = tempDatabase();
  const root = tempFolder();
  for (const [file, intent] of [
    ['half.png', 'write'],
    ['whole.png', 'write'],
    ['gone.png', 'remove'],
  ] as const) {
    db.run('INSERT INTO pending_files VALUES (?, ?)', file, intent);
  }
  writeFileSync(join(root, 'half.png.part'), 'pic');
  writeFileSync(join(root, 'whole.png'), 'picture');
  writeFileSync(join(root, 'gone.png'), 'picture');
  expect(settlePending(db, root)).toEqual(['whole.png']);
  expect(existsSync(join(root, 'half.png.part'))).toBe(false);
  expect(existsSync(join(root, 'gone.png'))).toBe(false);
  expect(db.column('SELECT file FROM pending_files')).toEqual(['whole.png']);
});

test('removing forgets the record before the file', () => {
  const db = tempDatabase();
  const root = tempFolder();
  writeFileSync(join(root, 'a.png'), 'picture');
  let stillThere = false;
  removePictures(db, root, ['a.png'], () => {
    stillThere = existsSync(join(root, 'a.png'));
  });
  expect(stillThere).toBe(true);
  expect(existsSync(join(root, 'a.png'))).toBe(false);
});

test('a file that the system does not let go of is removed at a later start, and nothing fails for it', () => {
  const db = tempDatabase();
  const root = tempFolder();
  mkdirSync(join(root, 'stuck.png'));
  writeFileSync(join(root, 'a.png'), 'picture');
  removePictures(db, root, ['stuck.png', 'a.png'], () => undefined);
  expect(existsSync(join(root, 'a.png'))).toBe(false);
  expect(db.column('SELECT file FROM pending_files')).toEqual(['stuck.png']);
  expect(settlePending(db, root)).toEqual([]);
  fs.rmdirSync(join(root, 'stuck.png'));
  settlePending(db, root);
  expect(db.value('SELECT count(*) FROM pending_files')).toBe(0);
});

test.skipIf(process.platform !== 'linux')(
  'a file is on disk with its name and every folder made for it',
  () => {
    const root = tempFolder();
    const synced: string[] = [];
    const { fsyncSync } = fs;
    const spy = vi.spyOn(fs, 'fsyncSync').mockImplementation((file) => {
      synced.push(readlinkSync(`/proc/self/fd/${file}`).slice(root.length));
      fsyncSync(file);
    });
    syncBuiltinESMExports();
    onTestFinished(() => {
      spy.mockRestore();
      syncBuiltinESMExports();
    });
    mkdirSync(join(root, '2026'));
    writeDurably(join(root, '2026/11/29/a.png'), bytes);
    expect(synced).toEqual(['/2026/11', '/2026', '/2026/11/29/a.png.part', '/2026/11/29']);
  },
);

test('a target that cannot be written leaves no temporary file', () => {
  const root = tempFolder();
  mkdirSync(join(root, 'taken.png'));
  expect(() => writeDurably(join(root, 'taken.png'), bytes)).toThrow();
  expect(existsSync(join(root, 'taken.png.part'))).toBe(false);
});

test('full and read-only disks are told apart in words', () => {
  expect(diskError(Object.assign(new Error(), { code: 'ENOSPC' }), '/p')).toMatchObject({
    code: 'disk-full',
  });
  expect(diskError(Object.assign(new Error(), { code: 'EROFS' }), '/p')).toMatchObject({ code: 'read-only' });
});

test('settings change in parts, window values one by one, and a spoilt value falls back alone', () => {
  const db = tempDatabase();
  updateSettings(db, { theme: 'light', window: { left: 320, draft: { steps: 4 } } });
  expect(updateSettings(db, { threads: 2, window: { left: null } })).toMatchObject({
    theme: 'light',
    threads: 2,
    window: { draft: { steps: 4 } },
  });
  db.run(`UPDATE settings SET value = '{"theme":"purple","threads":3}' WHERE key = 'settings'`);
  expect(readSettings(db)).toMatchObject({ theme: 'dark', threads: 3 });
});
