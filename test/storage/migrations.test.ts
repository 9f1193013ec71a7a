import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDatabase } from '../../main/storage/database.ts';
import { databaseVersion, migrate } from '../../main/storage/migrate.ts';
import { MIGRATIONS } from '../../main/storage/migrations/index.ts';
import { tempDatabase } from '../helpers/tempDatabase.ts';
import { tempFolder } from '../helpers/tempFolder.ts';

/** One row of each table as an old version could have written it, by the version that made the table. */
const ROWS: readonly string[] = [
  `INSERT INTO folders VALUES (1, '/models', 'plain', 0, '', 1);
   INSERT INTO models (id, folder_id, path, file_name, type, base, bytes, modified, state, notes)
     VALUES (7, 1, '/models/a.safetensors', 'a.safetensors', 'lora', 'sd15', 10, 1, 'ready', 'my note');
   INSERT INTO model_tags VALUES (7, 'style'); INSERT INTO settings VALUES ('settings', '{}');`,
  `INSERT INTO pictures (id, file, sha256, kind, created, width, height, month) VALUES (3, 'a.png', 'ff', 'import', 1, 64, 64, '2026-01');
   INSERT INTO picture_details VALUES (3, 'a castle', '', NULL, '', '', 9);`,
  `INSERT INTO jobs (id, request, state, position, created) VALUES (5, '{}', 'queued', 1, 1);`,
  `INSERT INTO projects (id, name, width, height, created, modified) VALUES (2, 'p', 64, 64, 1, 1);
   INSERT INTO project_actions VALUES (2, 1, 'stroke', '[]', '[]');`,
  `INSERT INTO network_log (time, method, url, purpose, outcome) VALUES (1, 'GET', 'http://127.0.0.1/', 'download', '200');`,
];

test.each(MIGRATIONS.map((_, index) => index))(
  'a database of version %i with data becomes the newest and keeps it',
  (version) => {
    const db = tempDatabase(':memory:', version);
    for (const sql of ROWS.slice(0, version)) db.exec(sql);
    migrate(db);
    expect(databaseVersion(db)).toBe(MIGRATIONS.length);
    for (const sql of ROWS.slice(version)) db.exec(sql);
    expect(db.value('SELECT notes FROM models WHERE id = 7')).toBe('my note');
    expect(db.column("SELECT rowid FROM pictures_text WHERE pictures_text MATCH 'castle'")).toEqual([3]);
    expect(db.column('PRAGMA foreign_key_check')).toEqual([]);
    expect(db.value('PRAGMA integrity_check')).toBe('ok');
  },
);

test('migrating twice changes nothing', () => {
  const db = tempDatabase();
  const before = db.column('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL');
  migrate(db);
  expect(db.column('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL')).toEqual(before);
});

test('a database of a newer program is refused and left as it is', () => {
  const file = join(tempFolder(), 'newer.db');
  const db = openDatabase(file);
  db.exec('PRAGMA user_version = 9999');
  expect(() => migrate(db)).toThrow(/version 9999/);
  expect(databaseVersion(db)).toBe(9999);
  db.close();
});
