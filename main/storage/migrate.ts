/** Brings a database of any older version to the newest, one migration a transaction. */
import { StudioError } from '../../preload/errors.ts';
import type { WritableDb } from './database.ts';
import { MIGRATIONS } from './migrations/index.ts';

/**
 * Applies what is missing; `target` stops earlier (tests make old versions with it).
 * @throws StudioError when a newer program wrote the file: it is left as it is.
 */
export function migrate(db: WritableDb, target: number = MIGRATIONS.length): void {
  const version = databaseVersion(db);
  if (version > MIGRATIONS.length) {
    throw new StudioError(
      'conflict',
      `The database is of version ${version}; this program knows versions up to ${MIGRATIONS.length}.`,
      'Install the newer Emulsion again, or choose another data folder.',
    );
  }
  for (const [index, migration] of MIGRATIONS.slice(0, target).entries()) {
    if (index < version) continue;
    db.transaction(() => {
      migration(db);
      db.exec(`PRAGMA user_version = ${index + 1}`);
    });
  }
}

/** How many migrations a database has behind it; 0 for an empty one. */
export function databaseVersion(db: WritableDb): number {
  return db.value<number>('PRAGMA user_version') ?? 0;
}
