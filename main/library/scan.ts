/** Scans model folders by headers only; a second scan reads only what changed. Nothing found is ever dropped silently. */
import { type Dirent, existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ModelDefaults, ScanProgress } from '../../preload/models.ts';
import type { WritableDb } from '../storage/database.ts';
import { statedDefaults } from './defaults.ts';
import { inspectModel, MODEL_EXTENSIONS, type ModelFacts } from './inspect.ts';
import { readSidecars, type Sidecars } from './sidecars.ts';
import { type FoundTriggers, findTriggers } from './triggers.ts';

export interface ScanCounts {
  added: number;
  changed: number;
  missing: number;
  broken: number;
}

export interface ScanOptions {
  readonly onProgress?: (progress: ScanProgress) => void;
  readonly signal?: AbortSignal;
}

interface FoundFile {
  readonly path: string;
  readonly name: string;
  readonly bytes: number;
  readonly modified: number;
  readonly siblings: ReadonlySet<string>;
}

interface KnownFile {
  id: number;
  path: string;
  file_name: string;
  bytes: number;
  modified: number;
  sidecars_modified: number;
  state: string;
}

/** Files a transaction; also how often others get a turn and progress is told. */
const BATCH = 32;
const METADATA_SHOWN = 2000;

/** Brings the cards of one folder up to date. Files in folders of their own below it belong to those. */
export async function scanFolder(
  db: WritableDb,
  folderId: number,
  path: string,
  options: ScanOptions = {},
): Promise<ScanCounts> {
  const counts: ScanCounts = { added: 0, changed: 0, missing: 0, broken: 0 };
  const tell = (phase: ScanProgress['phase'], done: number, total: number, file = '') =>
    options.onProgress?.({ folderId, phase, done, total, file });
  tell('list', 0, 0);
  const others = new Set(db.column<string>('SELECT path FROM folders WHERE id <> ?', folderId));
  const files = listFiles(path, others);
  const known = new Map(
    db
      .all<KnownFile>(
        'SELECT id, path, file_name, bytes, modified, sidecars_modified, state FROM models WHERE folder_id = ?',
        folderId,
      )
      .map((row) => [row.path, row]),
  );
  markMissing(db, known, new Set(files.map((file) => file.path)), counts);
  for (let start = 0; start < files.length; start += BATCH) {
    options.signal?.throwIfAborted();
    tell('read', start, files.length, files[start]?.name);
    db.transaction(() => {
      for (const file of files.slice(start, start + BATCH)) scanFile(db, folderId, file, known, counts);
    });
    await nextTurn();
  }
  tell('done', files.length, files.length);
  return counts;
}

/** Model files below `root`; linked folders are followed once, unreadable ones are skipped. */
function listFiles(root: string, others: ReadonlySet<string>): FoundFile[] {
  const visited = new Set<string>();
  const found: FoundFile[] = [];
  const visit = (folder: string) => {
    const real = quietly(() => realpathSync(folder));
    if (real === undefined || visited.has(real) || (folder !== root && others.has(folder))) return;
    visited.add(real);
    const entries = quietly(() => readdirSync(folder, { withFileTypes: true })) ?? [];
    const siblings = new Set(entries.map(({ name }) => name));
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (isFolder(entry, path)) visit(path);
      else if (isModelName(entry.name)) addFile(found, path, entry.name, siblings);
    }
  };
  visit(root);
  return found;
}

function addFile(found: FoundFile[], path: string, name: string, siblings: ReadonlySet<string>): void {
  const stats = quietly(() => statSync(path));
  if (stats?.isFile()) found.push({ path, name, bytes: stats.size, modified: stats.mtimeMs, siblings });
}

function isFolder(entry: Dirent, path: string): boolean {
  return (
    entry.isDirectory() || (entry.isSymbolicLink() && quietly(() => statSync(path))?.isDirectory() === true)
  );
}

function isModelName(name: string): boolean {
  return (
    !name.startsWith('.') && (MODEL_EXTENSIONS as readonly string[]).includes(extname(name).toLowerCase())
  );
}

/** The result, or undefined where the system refuses: a file may vanish between listing and reading. */
function quietly<Result>(work: () => Result): Result | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

function markMissing(
  db: WritableDb,
  known: ReadonlyMap<string, KnownFile>,
  present: ReadonlySet<string>,
  counts: ScanCounts,
): void {
  db.transaction(() => {
    for (const { id, path, state } of known.values()) {
      if (present.has(path) || state === 'missing') continue;
      counts.missing += 1;
      db.run("UPDATE models SET state = 'missing', reason = 'The file is gone.' WHERE id = ?", id);
    }
  });
}

function scanFile(
  db: WritableDb,
  folderId: number,
  file: FoundFile,
  known: ReadonlyMap<string, KnownFile>,
  counts: ScanCounts,
): void {
  const row = known.get(file.path) ?? movedHere(db, file);
  const sidecars = readSidecars(file.path, file.siblings);
  const same = row?.bytes === file.bytes && row.modified === file.modified && row.state !== 'missing';
  if (row !== undefined && same && row.path === file.path) {
    if (row.sidecars_modified !== sidecars.modified) writeSidecarFacts(db, row.id, sidecars);
    return;
  }
  const facts = inspectModel(file.path);
  if (facts.state === 'broken') counts.broken += 1;
  const id = row?.id ?? insertModel(db, folderId, file);
  counts[row === undefined ? 'added' : 'changed'] += 1;
  const sameContents = row !== undefined && row.bytes === file.bytes && row.modified === file.modified;
  writeFacts(db, id, folderId, file, facts, sameContents);
  writeSidecarFacts(db, id, sidecars, factsOfFile(facts.metadata));
}

/**
 * A card with this name, size and time whose file is gone: it was moved, so its notes come along. The folder it came from
 * may not have been scanned since, so the disk is asked.
 */
function movedHere(db: WritableDb, { name, bytes, modified }: FoundFile): KnownFile | undefined {
  const alike = db.all<KnownFile>(
    'SELECT * FROM models WHERE file_name = ? AND bytes = ? AND modified = ?',
    name,
    bytes,
    modified,
  );
  return alike.find(({ path }) => !existsSync(path));
}

function insertModel(db: WritableDb, folderId: number, file: FoundFile): number {
  return db.run(
    "INSERT INTO models (folder_id, path, file_name, type, base, bytes, modified, state) VALUES (?, ?, ?, 'unknown', 'unknown', ?, ?, 'ready')",
    folderId,
    file.path,
    file.name,
    file.bytes,
    file.modified,
  ).id;
}

/** Hashes stay only with the same contents. */
function writeFacts(
  db: WritableDb,
  id: number,
  folderId: number,
  file: FoundFile,
  facts: ModelFacts,
  sameContents: boolean,
): void {
  const shown = Object.entries(facts.metadata).map(([key, value]) => [
    key.slice(0, 200),
    value.slice(0, METADATA_SHOWN),
  ]);
  db.run(
    `UPDATE models SET folder_id = ?, path = ?, file_name = ?, type = ?, base = ?, variant = ?, prediction = ?, dtype = ?, bytes = ?,
       modified = ?, state = ?, reason = ?, tensor_count = ?, metadata = ?,
       sha256 = iif(?, sha256, NULL), auto_v3 = iif(?, auto_v3, NULL) WHERE id = ?`,
    ...[
      folderId,
      file.path,
      file.name,
      facts.type,
      facts.base,
      facts.variant,
      facts.prediction,
      facts.dtype,
      file.bytes,
    ],
    ...[
      file.modified,
      facts.state,
      facts.reason,
      facts.tensorCount,
      JSON.stringify(Object.fromEntries(shown)),
    ],
    ...[sameContents ? 1 : 0, sameContents ? 1 : 0, id],
  );
}

interface FactsOfFile extends FoundTriggers {
  readonly defaults: ModelDefaults;
}

function factsOfFile(metadata: ModelFacts['metadata']): FactsOfFile {
  return { ...findTriggers(metadata), defaults: statedDefaults(metadata) };
}

/** Sidecars state triggers and settings; without them the file's own metadata may suggest some. */
function writeSidecarFacts(db: WritableDb, id: number, sidecars: Sidecars, fromFile?: FactsOfFile): void {
  db.run(
    'UPDATE models SET sidecars_modified = ?, found_preview = ?, description = ? WHERE id = ?',
    sidecars.modified,
    sidecars.preview,
    sidecars.description,
    id,
  );
  db.run("UPDATE models SET notes = ? WHERE id = ? AND notes = ''", sidecars.notes, id);
  db.run("UPDATE models SET name = ? WHERE id = ? AND name = ''", sidecars.title, id);
  const defaults = {
    ...fromFile?.defaults,
    ...(sidecars.weight !== null && { weight: sidecars.weight }),
    ...(sidecars.negativePrompt && { negativePrompt: sidecars.negativePrompt }),
  };
  db.run("UPDATE models SET defaults = ? WHERE id = ? AND defaults = '{}'", JSON.stringify(defaults), id);
  if (fromFile !== undefined) {
    db.run('UPDATE models SET tag_frequency = ? WHERE id = ?', JSON.stringify(fromFile.tagFrequency), id);
  }
  const triggers = sidecars.triggers.length > 0 ? { triggers: sidecars.triggers, guessed: false } : fromFile;
  if (triggers === undefined) return;
  db.run(
    'UPDATE models SET found_triggers = ?, triggers_guessed = ? WHERE id = ?',
    JSON.stringify(triggers.triggers),
    triggers.guessed ? 1 : 0,
    id,
  );
}
