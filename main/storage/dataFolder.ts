/** The data folder: where everything lies, and the lock that lets one instance at a time write in it. */
import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import Database from 'better-sqlite3';
import { StudioError } from '../../preload/errors.ts';
import { makeFolder } from './makeFolder.ts';

export interface DataFolder {
  readonly root: string;
  readonly database: string;
  readonly pictures: string;
  readonly thumbnails: string;
  readonly uploads: string;
  /** The studio's own models: one folder per type below it. */
  readonly models: string;
  /** Preprocessors of the user's own, as .onnx files. */
  readonly preprocessors: string;
  readonly cache: string;
  readonly training: string;
  /** Exports and project files on their way to a browser; emptied at start. */
  readonly outbox: string;
}

/** EMULSION_DATA, else the system's place for application data. */
export function defaultDataRoot(environment: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  if (environment['EMULSION_DATA']) return resolve(environment['EMULSION_DATA']);
  const home = homedir();
  if (platform === 'win32')
    return join(environment['APPDATA'] ?? join(home, 'AppData', 'Roaming'), 'Emulsion');
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'Emulsion');
  return join(environment['XDG_DATA_HOME'] ?? join(home, '.local', 'share'), 'emulsion');
}

/** @throws StudioError `read-only` when the folder cannot be made or written to. */
export function openDataFolder(root: string): DataFolder {
  const below = (name: string) => join(root, name);
  const folder: DataFolder = {
    root,
    database: below('emulsion.db'),
    pictures: below('pictures'),
    thumbnails: below('thumbnails'),
    uploads: below('uploads'),
    models: below('models'),
    preprocessors: below('preprocessors'),
    cache: below('cache'),
    training: below('training'),
    outbox: below('outbox'),
  };
  try {
    for (const path of [root, ...Object.values(folder).filter((path) => path !== folder.database)]) {
      makeFolder(path);
      accessSync(path, constants.R_OK | constants.W_OK);
    }
  } catch (error) {
    throw new StudioError(
      'read-only',
      `The data folder ${root} cannot be written to.`,
      'Give write permission to it, or choose another folder with EMULSION_DATA or --data.',
      String(error),
    );
  }
  return folder;
}

/**
 * Holds the folder until released or the process ends, however it ends: an open SQLite transaction is a lock the system drops.
 * @throws StudioError `conflict` when another instance holds it.
 */
export function lockDataFolder(root: string): { release(): void } {
  const lock = new Database(join(root, 'instance.lock'), { timeout: 0 });
  try {
    lock.pragma('journal_mode = DELETE');
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    throw new StudioError(
      'conflict',
      `Another Emulsion is using the data folder ${root}.`,
      'Use that one, close it first, or start this one with another folder (EMULSION_DATA).',
      String(error),
    );
  }
  return { release: () => void lock.close() };
}
