import { existsSync, mkdirSync, readFileSync, renameSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDatabase, type WritableDb } from '../../main/storage/database.ts';
import { defaultDataRoot, lockDataFolder, openDataFolder } from '../../main/storage/dataFolder.ts';
import { closeCleanly, openStudioDatabase } from '../../main/storage/recovery.ts';
import { tempFolder } from '../helpers/tempFolder.ts';

function filled(file: string, more: (db: WritableDb) => void = () => undefined): void {
  const { db } = openStudioDatabase(file);
  more(db);
  db.transaction(() => {
    for (let i = 0; i < 400; i++)
      db.run('INSERT INTO boards (name, created) VALUES (?, 1)', `board ${i} ${'x'.repeat(500)}`);
    for (let i = 0; i < 400; i++)
      db.run(
        "INSERT INTO jobs (request, state, position, created) VALUES (?, 'done', 1, 1)",
        'y'.repeat(900),
      );
  });
  db.run('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close(); // without the mark of a clean end
}

test('a sound database opens as it is, cleanly closed or not', () => {
  const file = join(tempFolder(), 'emulsion.db');
  filled(file);
  const opened = openStudioDatabase(file);
  expect(opened.damage).toBeNull();
  expect(opened.db.value('SELECT count(*) FROM boards')).toBe(400);
  closeCleanly(opened.db);
  const again = openStudioDatabase(file);
  expect(again.damage).toBeNull();
  again.db.close();
});

test('a file that is no database is moved aside whole and a new one made', () => {
  const file = join(tempFolder(), 'emulsion.db');
  writeFileSync(file, 'x'.repeat(20_000));
  const { db, damage } = openStudioDatabase(file);
  expect(damage?.reason).toMatch(/not a database/);
  expect(readFileSync(damage!.movedTo, 'utf8')).toBe('x'.repeat(20_000));
  expect(db.value('SELECT count(*) FROM boards')).toBe(0);
  db.close();
});

/** The last third is no longer what it was. */
function destroyEnd(file: string): void {
  const bytes = readFileSync(file);
  bytes.fill(0xaa, bytes.length - Math.floor(bytes.length / 3 / 4096) * 4096);
  writeFileSync(file, bytes);
}

test('what is readable in a half destroyed database is carried over', () => {
  const file = join(tempFolder(), 'emulsion.db');
  filled(file);
  destroyEnd(file);
  const { db, damage } = openStudioDatabase(file);
  expect(damage).not.toBeNull();
  expect(existsSync(damage!.movedTo)).toBe(true);
  const saved = Object.values(damage!.saved).reduce((sum, count) => sum + count, 0);
  expect(saved).toBeGreaterThan(200);
  expect(db.value('PRAGMA integrity_check')).toBe('ok');
  db.close();
});

test('a row whose project is lost keeps nothing else from being carried over', () => {
  const file = join(tempFolder(), 'emulsion.db');
  filled(file, (db) => {
    db.run('PRAGMA foreign_keys = OFF');
    db.run("INSERT INTO project_actions VALUES (7, 1, 'stroke', '1', '1')");
    db.run("INSERT INTO network_log (time, method, url, purpose, outcome) VALUES (1, 'GET', '', '', '')");
  });
  destroyEnd(file);
  const { db, damage } = openStudioDatabase(file);
  expect(damage?.saved['project_actions']).toBe(0);
  expect(damage?.saved['network_log']).toBe(1);
  db.close();
});

test('a table is carried over though its indexes are destroyed', () => {
  const file = join(tempFolder(), 'emulsion.db');
  filled(file);
  const sound = openDatabase(file);
  const pages = sound.column<number>(
    "SELECT rootpage FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'jobs'",
  );
  sound.close();
  const bytes = readFileSync(file);
  for (const page of pages) bytes.fill(0xaa, (page - 1) * 4096, page * 4096);
  writeFileSync(file, bytes);
  const { db, damage } = openStudioDatabase(file);
  expect(damage?.saved['jobs']).toBe(400);
  db.close();
});

test('a start that fails before all is carried over leaves it to the next one', () => {
  const file = join(tempFolder(), 'emulsion.db');
  filled(file);
  destroyEnd(file);
  mkdirSync(`${file}.rebuilt`);
  expect(() => openStudioDatabase(file)).toThrow();
  rmdirSync(`${file}.rebuilt`);
  const { db, damage } = openStudioDatabase(file);
  expect(damage?.saved['boards']).toBeGreaterThan(100);
  db.close();
});

test('damage is told until a session with the new database has ended cleanly', () => {
  const file = join(tempFolder(), 'emulsion.db');
  filled(file);
  destroyEnd(file);
  const first = openStudioDatabase(file);
  first.db.close(); // the power fails before the pictures are read again
  const second = openStudioDatabase(file);
  expect(second.damage).toEqual(first.damage);
  closeCleanly(second.db);
  const third = openStudioDatabase(file);
  expect(third.damage).toBeNull();
  third.db.close();
});

test('a new database that was not put in its place any more is, at the next start', () => {
  const file = join(tempFolder(), 'emulsion.db');
  filled(file);
  destroyEnd(file);
  const { db, damage } = openStudioDatabase(file);
  db.run('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
  renameSync(file, `${file}.rebuilt`);
  const again = openStudioDatabase(file);
  expect(again.damage).toEqual(damage);
  expect(again.db.value('SELECT count(*) FROM boards')).toBe(damage?.saved['boards']);
  again.db.close();
});

test('a second instance is told that the folder is in use, and may have it afterwards', () => {
  const root = tempFolder();
  const lock = lockDataFolder(root);
  expect(() => lockDataFolder(root)).toThrow(/Another Emulsion/);
  lock.release();
  lockDataFolder(root).release();
});

test('a data folder that cannot be made says so', () => {
  const root = tempFolder();
  writeFileSync(join(root, 'file'), '');
  expect(() => openDataFolder(join(root, 'file'))).toThrow(/cannot be written/);
});

test('EMULSION_DATA decides, else the place of the system', () => {
  expect(defaultDataRoot({ EMULSION_DATA: '/somewhere' }, 'linux')).toBe('/somewhere');
  expect(defaultDataRoot({ XDG_DATA_HOME: '/xdg' }, 'linux')).toBe('/xdg/emulsion');
  expect(defaultDataRoot({}, 'darwin')).toMatch(/Library\/Application Support\/Emulsion$/);
  expect(defaultDataRoot({ APPDATA: '/roaming' }, 'win32')).toMatch(/roaming.Emulsion$/);
});
