/**
 * Puts pictures on disk so that a crash at any moment leaves neither a record without a file nor a half file:
 * intent recorded → temporary file, fsync → rename, fsync of the folder → record, in this order.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { StudioError } from '../../preload/errors.ts';
import type { WritableDb } from './database.ts';

const TEMPORARY = '.part';

/** Writes bytes under a temporary name, makes them durable, then gives them their name. @throws StudioError `disk-full` or `read-only`. */
export function writeDurably(path: string, bytes: Uint8Array): void {
  const temporary = path + TEMPORARY;
  try {
    makeFolder(dirname(path));
    const file = openSync(temporary, 'w');
    try {
      for (let offset = 0; offset < bytes.length; ) offset += writeSync(file, bytes, offset);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameDurably(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw diskError(error, path);
  }
}

/** ENOSPC, EDQUOT, EROFS, EACCES as a sentence with a next step; anything else as it is. */
export function diskError(error: unknown, path: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'SQLITE_FULL') {
    return new StudioError(
      'disk-full',
      `There is no space left on the disk of ${path}.`,
      'Free some space, then repeat the job.',
    );
  }
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM' || code.startsWith('SQLITE_READONLY')) {
    return new StudioError(
      'read-only',
      `${path} cannot be written.`,
      'Give write permission to the folder, then try again.',
    );
  }
  return error;
}

/**
 * Writes a picture and then runs `record` in the transaction that settles the intent.
 * @param file relative to `root`, with '/'.
 */
export function storePicture<Result>(
  db: WritableDb,
  root: string,
  file: string,
  bytes: Uint8Array,
  record: () => Result,
): Result {
  db.run("INSERT INTO pending_files VALUES (?, 'write')", file);
  try {
    writeDurably(join(root, file), bytes);
  } catch (error) {
    settled(db, file);
    throw error;
  }
  return db.transaction(() => {
    settled(db, file);
    return record();
  });
}

/** Removes records first, then their files; what a crash or the system's veto leaves of these the next start removes. */
export function removePictures(
  db: WritableDb,
  root: string,
  files: readonly string[],
  forget: () => void,
): void {
  db.transaction(() => {
    for (const file of files) db.run("INSERT OR REPLACE INTO pending_files VALUES (?, 'remove')", file);
    forget();
  });
  const gone = files.filter((file) => removed(join(root, file)));
  db.transaction(() => {
    for (const file of gone) settled(db, file);
  });
}

/** False where the system does not let go of it: open elsewhere (Windows), in a folder that is read-only. */
function removed(path: string): boolean {
  try {
    rmSync(path, { force: true });
    return true;
  } catch {
    return false;
  }
}

function settled(db: WritableDb, file: string): void {
  db.run('DELETE FROM pending_files WHERE file = ?', file);
}

/**
 * Settles what a crash left open. Files of the intent `write` that are whole but unrecorded are returned: they are
 * finished pictures, to be recorded from their own metadata.
 */
export function settlePending(db: WritableDb, root: string): string[] {
  const adopted: string[] = [];
  for (const { file, intent } of db.all<{ file: string; intent: string }>(
    'SELECT file, intent FROM pending_files',
  )) {
    const path = join(root, file);
    const isWhole = intent === 'write' && existsSync(path);
    if (isWhole) adopted.push(file);
    else if (removed(path + TEMPORARY) && removed(path)) settled(db, file);
  }
  return adopted;
}

/** Gives a file whose bytes are durable its name, in the same folder or another; that too outlasts a power cut. */
export function renameDurably(from: string, to: string): void {
  renameSync(from, to);
  syncFolder(dirname(to));
}

/** Makes a folder and those above it. A folder made is an entry of the one above, which is what has to be on disk. */
function makeFolder(path: string): void {
  const first = mkdirSync(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) syncFolder(dirname(made));
}

/** Windows has no folder handles and needs none. */
function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
