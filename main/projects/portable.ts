/**
 * A project as one portable file: itself a SQLite database with the document, the action log and every picture they name,
 * so that it is written atomically and read without unpacking. Files of others are read as data only, within limits.
 */
import { existsSync, rmSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { z } from 'zod';
import { MAX_IMAGE_BYTES } from '../../preload/contract.ts';
import { StudioError } from '../../preload/errors.ts';
import type { OpenProject } from '../../preload/projects.ts';
import { type ImagePlaces, imagePath, storeUpload } from '../history/uploads.ts';
import { openDatabase, openForReading, type ReadableDb } from '../storage/database.ts';
import { diskError, renameDurably } from '../storage/fileStore.ts';
import { appendActions, createProject, openProject, saveSnapshot, setCursor } from './projects.ts';

const FORMAT = 'emulsion-project';
const VERSION = 1;
const MAX_ACTIONS = 1_000_000;
const TABLES = ['project', 'actions', 'images'];
const SHA256 = /\b[0-9a-f]{64}\b/g;

/** Writes the file beside its target first, then gives it its name. Pictures that are gone are left out and told. */
export async function saveProjectFile(
  places: ImagePlaces,
  id: number,
  path: string,
): Promise<{ missing: string[] }> {
  const project = openProject(places.db, places.urls, id);
  const temporary = `${path}.part`;
  rmSync(temporary, { force: true });
  try {
    const missing = await writeProject(places, project, temporary);
    renameDurably(temporary, path);
    return { missing };
  } catch (error) {
    throw diskError(error, path);
  } finally {
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(temporary + suffix, { force: true });
  }
}

async function writeProject(places: ImagePlaces, open: OpenProject, path: string): Promise<string[]> {
  const { project, document, actions, ...log } = open;
  const file = openDatabase(path);
  try {
    file.exec(`PRAGMA journal_mode = DELETE;
      CREATE TABLE project (format TEXT, version INTEGER, head TEXT, document TEXT);
      CREATE TABLE actions (seq INTEGER PRIMARY KEY, label TEXT, forward TEXT, backward TEXT);
      CREATE TABLE images (sha256 TEXT PRIMARY KEY, bytes BLOB);`);
    const head = { name: project.name, width: project.width, height: project.height, ...log };
    const missing: string[] = [];
    file.run(
      'INSERT INTO project VALUES (?, ?, ?, ?)',
      FORMAT,
      VERSION,
      JSON.stringify(head),
      JSON.stringify(document),
    );
    file.transaction(() => {
      for (const [index, { label, forward, backward }] of actions.entries()) {
        file.run(
          'INSERT INTO actions VALUES (?, ?, ?, ?)',
          open.firstSeq + index,
          label,
          JSON.stringify(forward),
          JSON.stringify(backward),
        );
      }
    });
    for (const sha256 of imagesIn(JSON.stringify([document, actions]))) {
      const bytes = await imageBytes(places, sha256);
      if (bytes === null) missing.push(sha256);
      else file.run('INSERT INTO images VALUES (?, ?)', sha256, bytes);
    }
    return missing;
  } finally {
    file.close();
  }
}

/** Pictures are named by sha256 everywhere in a document, and nothing else is 64 hex digits long. */
function imagesIn(text: string): Set<string> {
  return new Set(text.match(SHA256));
}

async function imageBytes(places: ImagePlaces, sha256: string): Promise<Uint8Array | null> {
  try {
    return await readFile(imagePath(places, { sha256 }));
  } catch {
    return null;
  }
}

const headSchema = z.object({
  name: z.string().min(1).max(200),
  width: z.int().min(1).max(65_536),
  height: z.int().min(1).max(65_536),
  snapshotSeq: z.int().min(0),
  firstSeq: z.int().min(1),
  cursor: z.int().min(0),
});

/** Takes a project file in as a new project. @returns its id. @throws StudioError `bad-input` for any other file. */
export async function openProjectFile(places: ImagePlaces, path: string): Promise<number> {
  if (!existsSync(path) || !statSync(path).isFile()) {
    throw new StudioError('not-found', `There is no file ${path}.`, 'Choose a project saved by this studio.');
  }
  let file: (ReadableDb & { close(): void }) | undefined;
  try {
    file = openForReading(path);
    requirePlainTables(file);
    if (file.value('SELECT format FROM project') !== FORMAT) throw new Error('not a project');
    return await readProject(places, file, path);
  } catch (error) {
    if (error instanceof StudioError) throw error;
    throw new StudioError(
      'bad-input',
      `${basename(path)} is not a project of this studio, or is damaged.`,
      'Save the project again where it was made, or choose another file.',
      String(error),
    );
  } finally {
    file?.close();
  }
}

/** Reading a view, a virtual table or a computed column would run what the file says, which may never end. */
function requirePlainTables(file: ReadableDb): void {
  for (const name of TABLES) {
    const others = file.value("SELECT 1 FROM pragma_table_list(?) WHERE type <> 'table'", name);
    const computed = file.value('SELECT 1 FROM pragma_table_xinfo(?) WHERE hidden <> 0', name);
    if (others !== undefined || computed !== undefined) throw new Error(`${name} is no plain table`);
  }
}

async function readProject(places: ImagePlaces, file: ReadableDb, path: string): Promise<number> {
  const { db, now } = places;
  const version = file.value<number>('SELECT version FROM project');
  if (version !== VERSION) {
    throw new StudioError(
      'bad-input',
      `${basename(path)} is of project version ${version}.`,
      'Open it with a newer Emulsion.',
    );
  }
  const head = headSchema.parse(JSON.parse(file.value<string>('SELECT head FROM project') ?? ''));
  const count = file.value<number>('SELECT count(*) FROM actions') ?? 0;
  if (count > MAX_ACTIONS) throw new Error(`${count} actions`);
  const last = head.firstSeq - 1 + count;
  if (head.snapshotSeq > last) throw new Error(`a document after action ${head.snapshotSeq} of ${last}`);
  await readImages(places, file);
  const rows = file.all<{ label: string; forward: string; backward: string }>(
    'SELECT label, forward, backward FROM actions ORDER BY seq',
  );
  const actions = rows.map((row) => ({
    label: z.string().max(200).parse(row.label),
    forward: z.json().parse(JSON.parse(row.forward)),
    backward: z.json().parse(JSON.parse(row.backward)),
  }));
  const document = z.json().parse(JSON.parse(file.value<string>('SELECT document FROM project') ?? 'null'));
  return db.transaction(() => {
    const id = createProject(db, head.name, head.width, head.height, now());
    // The log keeps its numbers: a long project's first actions may have been dropped.
    db.run('UPDATE projects SET cursor = ?, file = ? WHERE id = ?', head.firstSeq - 1, path, id);
    if (actions.length > 0) appendActions(db, id, head.firstSeq - 1, actions, now());
    if (document !== null) saveSnapshot(db, id, head.snapshotSeq, document, null);
    setCursor(db, id, head.cursor, now());
    return id;
  });
}

/** Only pictures, whose contents are what their name says: both are checked when stored. */
async function readImages(places: ImagePlaces, file: ReadableDb): Promise<void> {
  const sizes = file.all<{ sha256: string; size: number }>(
    'SELECT sha256, length(bytes) AS size FROM images',
  );
  for (const { sha256, size } of sizes) {
    if (size > MAX_IMAGE_BYTES) throw new Error(`a picture of ${size} bytes`);
    const bytes = file.value<Uint8Array>('SELECT bytes FROM images WHERE sha256 = ?', sha256);
    if (bytes instanceof Uint8Array) await storeUpload(places, bytes, 'a picture of the project');
  }
}
