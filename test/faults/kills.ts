/** Kills a busy studio at random moments, looks at what each death left on disk, and opens it again. */
import { spawn } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { sha256Of } from '../../main/history/uploads.ts';
import { openDatabase, type ReadableDb } from '../../main/storage/database.ts';
import { randomBelow } from '../helpers/random.ts';
import { tempFolder } from '../helpers/tempFolder.ts';
import { TINY_CHECKPOINT } from '../helpers/tinyModel.ts';
import { openStudio } from './openStudio.ts';

/**
 * A kill falls some time after one of these: the program began, its services stand, the engine finished a job and goes on.
 * Those before the engine is up are cheaper, and therefore more.
 */
const MARKS = ['begun', 'ready', 'ready', 'ready', 'done', 'done'] as const;
const LATEST_MS = 500;
/** After this many deaths the folder is opened and compared as a whole. */
const BETWEEN_FULL_CHECKS = 20;

export interface KillCounts {
  readonly kills: number;
  /** Kills that took the engine along, as a power cut does. */
  readonly withEngine: number;
  readonly pictures: number;
  readonly jobs: number;
  readonly strokes: number;
  readonly models: number;
}

/** What the killed studios said had become durable. */
interface Promised {
  readonly pictures: Map<number, string>;
  readonly uploads: Set<string>;
  /** Pictures of each finished job. */
  readonly jobs: Map<number, number>;
  /** The undo cursor told last, and the one being written. */
  cursors: readonly number[];
  strokes: number;
  models: number;
}

/** Fails at the first death after which anything is lost, half done or unsound. */
export async function surviveKills(kills: number, seed: number): Promise<KillCounts> {
  const [root, workbench] = [tempFolder(), tempFolder()];
  mkdirSync(join(root, 'models/checkpoints'), { recursive: true });
  cpSync(TINY_CHECKPOINT, join(root, 'models/checkpoints/tiny.safetensors'));
  const random = randomBelow(seed);
  const promised: Promised = {
    ...{ pictures: new Map(), uploads: new Set(), jobs: new Map() },
    ...{ cursors: [], strokes: 0, models: 0 },
  };
  const seen = new Set<string>();
  let withEngine = 0;
  for (let kill = 1; kill <= kills; kill++) {
    const mark = MARKS[random(MARKS.length)]!;
    const both = process.platform !== 'win32' && random(2) === 1;
    if (both) withEngine += 1;
    const lines = await runAndKill({
      root,
      workbench,
      seed: random(1e9),
      mark,
      delay: random(LATEST_MS),
      both,
    });
    for (const line of lines) note(promised, line);
    checkRemains(root, workbench, promised, seen, `kill ${kill} of seed ${seed}`);
    if (kill % BETWEEN_FULL_CHECKS === 0 || kill === kills) await checkReopened(root);
  }
  const { pictures, jobs, strokes, models } = promised;
  return { kills, withEngine, pictures: pictures.size, jobs: jobs.size, strokes, models };
}

interface Life {
  readonly root: string;
  /** Holds the compiled sources, so that a new life begins quickly. */
  readonly workbench: string;
  readonly seed: number;
  readonly mark: (typeof MARKS)[number];
  readonly delay: number;
  readonly both: boolean;
}

/** Whole lines the studio said. Resolves when its engine has ended too: none is left behind. */
function runAndKill({ root, workbench, seed, mark, delay, both }: Life): Promise<string[]> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'busyStudio.ts'), root, String(seed)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own, so that both can be killed at once.
    detached: both,
    env: { ...process.env, NODE_COMPILE_CACHE: join(workbench, 'compiled') },
  });
  let output = '';
  let errors = '';
  let armed = false;
  child.stderr.on('data', (data: Buffer) => (errors += data));
  child.stdout.on('data', (data: Buffer) => {
    output += data;
    if (armed || !`\n${output}`.includes(`\n${mark}`)) return;
    armed = true;
    setTimeout(() => process.kill(both ? -child.pid! : child.pid!, 'SIGKILL'), delay);
  });
  return new Promise((resolve, reject) => {
    child.on('close', (_code, signal) => {
      if (signal === 'SIGKILL') resolve(output.split('\n').slice(0, -1));
      else reject(new Error(`the studio ended by itself: ${errors}`));
    });
  });
}

function note(promised: Promised, line: string): void {
  const [what, first = '', second = ''] = line.split(' ');
  switch (what) {
    case 'picture':
      promised.pictures.set(Number(first), second);
      break;
    case 'removing':
      promised.pictures.delete(Number(first));
      break;
    case 'upload':
      promised.uploads.add(first);
      break;
    case 'done':
      promised.jobs.set(Number(first), Number(second));
      break;
    case 'stroking':
      promised.cursors = [Number(first), Number(second)];
      break;
    case 'stroked':
      promised.cursors = [Number(first)];
      promised.strokes += 1;
      break;
    case 'models':
      promised.models = Number(first);
      break;
  }
}

/** The files as the kill left them, before any studio repairs anything: read in a copy, so that the next start finds them untouched. */
function checkRemains(
  root: string,
  workbench: string,
  promised: Promised,
  seen: Set<string>,
  when: string,
): void {
  const copy = join(workbench, 'remains.db');
  if (!existsSync(join(root, 'emulsion.db'))) {
    expect(promised.pictures.size, when).toBe(0);
    return;
  }
  for (const suffix of ['', '-wal']) {
    const from = join(root, `emulsion.db${suffix}`);
    if (existsSync(from)) copyFileSync(from, copy + suffix);
  }
  const db = openDatabase(copy);
  try {
    expect(db.value('PRAGMA integrity_check'), when).toBe('ok');
    // Killed before the tables were made: nothing was promised yet.
    if (db.value("SELECT 1 FROM sqlite_schema WHERE name = 'notices'") === undefined) return;
    expect(db.column('PRAGMA foreign_key_check'), when).toEqual([]);
    checkFiles(db, root, seen, when);
    checkPromises(db, promised, when);
  } finally {
    db.close();
  }
}

/** Every record has its file, and that holds what was recorded. A file that was right once is only looked for. */
function checkFiles(db: ReadableDb, root: string, seen: Set<string>, when: string): void {
  const files = db.all<{ file: string; sha256: string }>(
    `SELECT 'pictures/' || file AS file, sha256 FROM pictures UNION ALL SELECT 'uploads/' || file, sha256 FROM uploads`,
  );
  for (const { file, sha256 } of files) {
    const path = join(root, file);
    expect(existsSync(path), `${when}: ${file} is recorded but not there`).toBe(true);
    if (seen.has(file)) continue;
    expect(sha256Of(readFileSync(path)), `${when}: ${file} is not what was recorded`).toBe(sha256);
    seen.add(file);
  }
}

function checkPromises(db: ReadableDb, promised: Promised, when: string): void {
  const pictures = new Map(
    db
      .all<{ id: number; sha256: string }>('SELECT id, sha256 FROM pictures')
      .map((row) => [row.id, row.sha256]),
  );
  for (const [id, sha256] of promised.pictures)
    expect(pictures.get(id), `${when}: picture ${id} was finished and is lost`).toBe(sha256);
  const uploads = new Set(db.column<string>('SELECT sha256 FROM uploads'));
  expect(
    [...promised.uploads].filter((sha256) => !uploads.has(sha256)),
    `${when}: lost uploads`,
  ).toEqual([]);
  const done = new Set(db.column<number>("SELECT id FROM jobs WHERE state = 'done'"));
  expect(
    [...promised.jobs.keys()].filter((id) => !done.has(id)),
    `${when}: jobs no longer done`,
  ).toEqual([]);
  expect(
    db.all(
      'SELECT job_id, batch_index FROM pictures WHERE job_id IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1',
    ),
    `${when}: pictures made twice`,
  ).toEqual([]);
  if (promised.cursors.length > 0)
    expect(promised.cursors, `${when}: undo`).toContain(db.value('SELECT cursor FROM projects'));
  expect(
    db.value("SELECT count(*) FROM models WHERE state = 'ready'"),
    `${when}: models`,
  ).toBeGreaterThanOrEqual(promised.models);
}

/** Opens the folder as the next start does: nothing is left open, and every file belongs to a record. */
async function checkReopened(root: string): Promise<void> {
  const services = await openStudio(root);
  try {
    const { db, folder } = services;
    expect(db.all('SELECT * FROM notices')).toEqual([]);
    expect(db.column('SELECT file FROM pending_files')).toEqual([]);
    const recorded = new Set(db.column<string>('SELECT file FROM pictures'));
    const files = readdirSync(folder.pictures, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.pictures.length + 1));
    expect(
      files.filter((file) => !recorded.has(file)),
      'files without a record',
    ).toEqual([]);
    expect(
      db.value("SELECT count(*) FROM pictures WHERE kind = 'text-to-image' AND job_id IS NULL"),
      'pictures that lost their job',
    ).toBe(0);
    expect(db.value('SELECT count(*) FROM pictures_text')).toBe(recorded.size);
  } finally {
    await services.close();
  }
}
