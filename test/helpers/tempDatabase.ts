/** A migrated database in memory or in a file, closed after the test. */
import { onTestFinished } from 'vitest';
import { openDatabase, type WritableDb } from '../../main/storage/database.ts';
import { migrate } from '../../main/storage/migrate.ts';

export function tempDatabase(file = ':memory:', version?: number): WritableDb {
  const db = openDatabase(file);
  migrate(db, version);
  onTestFinished(() => db.close());
  return db;
}

export const plainUrls = { of: (kind: string, name: string) => `/files/${kind}/${name}` };
