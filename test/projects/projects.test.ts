import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { imagePath, storeUpload } from '../../main/history/uploads.ts';
import { openProjectFile, saveProjectFile } from '../../main/projects/portable.ts';
import * as projects from '../../main/projects/projects.ts';
import { plainUrls, tempDatabase } from '../helpers/tempDatabase.ts';
import { tempFolder } from '../helpers/tempFolder.ts';

const PICTURE = join(import.meta.dirname, '../golden/canny/picture.png');
const action = (label: string) => ({ label, forward: [{ op: 'replace', value: label }], backward: null });

function setUp() {
  const root = tempFolder();
  const db = tempDatabase();
  const places = {
    db,
    urls: plainUrls,
    now: () => 5,
    pictures: join(root, 'pictures'),
    uploads: join(root, 'uploads'),
  };
  mkdirSync(places.uploads);
  const id = projects.createProject(db, 'Sea', 640, 480, 1);
  const open = () => projects.openProject(db, plainUrls, id);
  return { root, db, places, id, open };
}

test('actions are appended, undone by the cursor, and a new one drops the undone ones', () => {
  const { db, id, open } = setUp();
  expect(projects.appendActions(db, id, 0, [action('a'), action('b'), action('c')], 2)).toBe(3);
  projects.setCursor(db, id, 1, 3);
  expect(open()).toMatchObject({ cursor: 1, firstSeq: 1 });
  expect(open().actions.map(({ label }) => label)).toEqual(['a', 'b', 'c']);
  projects.setCursor(db, id, 3, 3);
  projects.setCursor(db, id, 1, 3);
  expect(projects.appendActions(db, id, 1, [action('d')], 4)).toBe(2);
  expect(open().actions.map(({ label }) => label)).toEqual(['a', 'd']);
  expect(() => projects.setCursor(db, id, 7, 5)).toThrow(/no action 7/);
  expect(() => projects.appendActions(db, id, 1, [action('x')], 5)).toThrow(/at action 2, not 1/);
});

test('a snapshot of a future that was overwritten is forgotten', () => {
  const { db, id, open } = setUp();
  projects.appendActions(db, id, 0, [action('a'), action('b')], 1);
  projects.saveSnapshot(db, id, 2, { layers: [1] }, null);
  expect(open()).toMatchObject({ snapshotSeq: 2, document: { layers: [1] } });
  projects.setCursor(db, id, 1, 1);
  projects.appendActions(db, id, 1, [action('c')], 1);
  expect(open()).toMatchObject({ snapshotSeq: 0, document: null });
});

test('the log of a long project stays quick to append to', () => {
  const { db, id } = setUp();
  for (let i = 0; i < 5000; i += 500)
    projects.appendActions(
      db,
      id,
      i,
      Array.from({ length: 500 }, () => action('stroke')),
      1,
    );
  const start = performance.now();
  projects.appendActions(db, id, 5000, [action('stroke')], 1);
  expect(performance.now() - start).toBeLessThan(2000);
});

test('deleted projects leave the list and come back whole', () => {
  const { db, id } = setUp();
  projects.setProjectDeleted(db, id, 9);
  expect(projects.listProjects(db, plainUrls)).toEqual([]);
  projects.setProjectDeleted(db, id, null);
  projects.renameProject(db, id, 'Lake');
  expect(projects.listProjects(db, plainUrls)).toMatchObject([{ id, name: 'Lake', width: 640 }]);
  expect(() => projects.renameProject(db, 99, 'x')).toThrow(/no project 99/);
});

test('one file carries document, log, cursor and pictures into another studio', async () => {
  const { root, db, places, id } = setUp();
  const { sha256 = '' } = (await storeUpload(places, readFileSync(PICTURE))).image;
  const image = { sha256 };
  projects.appendActions(db, id, 0, [{ label: 'place', forward: { image }, backward: null }, action('b')], 1);
  projects.saveSnapshot(db, id, 1, { layers: [{ image }] }, null);
  projects.setCursor(db, id, 1, 1);
  const file = join(root, 'sea.emulsion');
  expect(await saveProjectFile(places, id, file)).toEqual({ missing: [] });
  await saveProjectFile(places, id, file);

  const other = setUp();
  const taken = await openProjectFile(other.places, file);
  expect(projects.openProject(other.db, plainUrls, taken)).toMatchObject({
    project: { name: 'Sea', width: 640, height: 480, file },
    document: { layers: [{ image }] },
    snapshotSeq: 1,
    cursor: 1,
    actions: [{ label: 'place' }, { label: 'b' }],
  });
  expect(readFileSync(imagePath(other.places, image)).equals(readFileSync(PICTURE))).toBe(true);
});

test('files of others are refused or read as data only', async () => {
  const { root, places } = setUp();
  const path = (name: string) => join(root, name);
  await expect(openProjectFile(places, path('none'))).rejects.toThrow(/no file/);
  writeFileSync(path('text'), 'hello');
  await expect(openProjectFile(places, path('text'))).rejects.toThrow(/not a project/);
  const crafted = (name: string, head: object, tables: string) => {
    const file = new Database(path(name));
    file.exec('CREATE TABLE project (format TEXT, version INTEGER, head TEXT, document TEXT)');
    const whole = { name: 'x', width: 64, height: 64, snapshotSeq: 0, firstSeq: 1, cursor: 0, ...head };
    file.prepare("INSERT INTO project VALUES ('emulsion-project', 1, ?, '{}')").run(JSON.stringify(whole));
    file.exec(tables);
    file.close();
    return openProjectFile(places, path(name));
  };
  const actions = 'CREATE TABLE actions (seq, label, forward, backward);';
  const images = 'CREATE TABLE images (sha256, bytes);';
  expect(await crafted('sound', {}, actions + images)).toBeGreaterThan(0);
  const endless = `CREATE VIEW actions AS WITH RECURSIVE n(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n)
    SELECT seq, '' AS label, '' AS forward, '' AS backward FROM n;`;
  const computed = "CREATE TABLE images (sha256, bytes AS (printf('%.*c', 1000000000, 'x')));";
  for (const [name, head, tables] of [
    ['too wide', { width: 1e9 }, actions + images],
    ['a document of no action', { snapshotSeq: 9 }, actions + images],
    ['endless', {}, endless + images],
    ['computed', {}, actions + computed],
  ] as const)
    await expect(crafted(name, head, tables), name).rejects.toThrow(/not a project|damaged/);
  const newer = new Database(path('newer'));
  newer.exec(
    "CREATE TABLE project (format TEXT, version INTEGER, head TEXT, document TEXT); INSERT INTO project VALUES ('emulsion-project', 2, '{}', '{}')",
  );
  newer.close();
  await expect(openProjectFile(places, path('newer'))).rejects.toThrow(/project version 2/);
});
