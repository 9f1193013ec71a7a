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
    mkdirSync(dirname(path), { recursive: true });
    const file = openSync(temporary, 'w');
    try {
      for (let offset = 0; offset < bytes.length; ) offset += writeSync(file, bytes, offset);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    syncFolder(dirname(path));
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
    db.run('DELETE FROM pending_files WHERE file = ?', file);
    throw error;
  }
  return db.transaction(() => {
    db.run('DELETE FROM pending_files WHERE file = ?', file);
    return record();
  });
}

/** Removes records first, then their files; a crash between leaves files that the next start removes. */
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
  for (const file of files) {
    rmSync(join(root, file), { force: true });
    db.run('DELETE FROM pending_files WHERE file = ?', file);
  }
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
    rmSync(path + TEMPORARY, { force: true });
    if (intent === 'remove') rmSync(path, { force: true });
    if (intent === 'write' && existsSync(path)) adopted.push(file);
    else db.run('DELETE FROM pending_files WHERE file = ?', file);
  }
  return adopted;
}

/** Makes a rename durable; Windows has no folder handles and needs none. */
function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
