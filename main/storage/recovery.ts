/** Opens the studio's database; a damaged one is moved aside, what can still be read is carried over. */
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { openDatabase, openForReading, type SqlValue, type WritableDb } from './database.ts';
import { migrate } from './migrate.ts';

export interface OpenedDatabase {
  readonly db: WritableDb;
  /** Set when the old file was damaged: where it lies now, what was wrong, rows saved from it by table. */
  readonly damage: { movedTo: string; reason: string; saved: Readonly<Record<string, number>> } | null;
}

/** What people typed themselves and no file remembers; pictures and cards are read again from their files. */
const SALVAGED = [
  'settings',
  'folders',
  'boards',
  'projects',
  'project_actions',
  'jobs',
  'network_log',
] as const;

/**
 * Opens and migrates; checks the whole file first when the last session did not close it.
 * @throws what the disk throws (full, read-only); never for damage.
 */
export function openStudioDatabase(file: string): OpenedDatabase {
  const reason = damageOf(file);
  if (reason === null) return { db: openMigrated(file), damage: null };
  const movedTo = moveAside(file);
  const db = openMigrated(file);
  return { db, damage: { movedTo, reason, saved: salvage(movedTo, db) } };
}

/** Leaves the mark that the next start need not check everything, then closes. */
export function closeCleanly(db: WritableDb): void {
  db.run("INSERT OR REPLACE INTO settings VALUES ('closed', 'true')");
  db.close();
}

function openMigrated(file: string): WritableDb {
  const db = openDatabase(file);
  migrate(db);
  db.run("INSERT OR REPLACE INTO settings VALUES ('closed', 'false')");
  return db;
}

/** Why the file cannot be used, or null. A missing file is fine: it is created. */
function damageOf(file: string): string | null {
  if (!existsSync(file)) return null;
  let db: WritableDb | undefined;
  try {
    db = openDatabase(file);
    const fresh = db.value<number>("SELECT count(*) FROM sqlite_schema WHERE name = 'settings'") === 0;
    if (fresh || db.value("SELECT value FROM settings WHERE key = 'closed'") === 'true') return null;
    const verdict = db.value<string>('PRAGMA quick_check(1)') ?? 'no answer';
    return verdict === 'ok' ? null : verdict;
  } catch (error) {
    if (isDamage(error)) return String(error);
    throw error;
  } finally {
    db?.close();
  }
}

/** Damage as SQLite names it; a locked, full or read-only disk is not damage. */
export function isDamage(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB';
}

function moveAside(file: string): string {
  const folder = join(dirname(file), 'damaged');
  mkdirSync(folder, { recursive: true });
  let number = 1;
  while (existsSync(join(folder, `${number}-${basename(file)}`))) number++;
  const target = join(folder, `${number}-${basename(file)}`);
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(file + suffix)) renameSync(file + suffix, target + suffix);
  }
  return target;
}

/** Copies readable rows table by table; a table ends at its first unreadable page. */
function salvage(damaged: string, db: WritableDb): Record<string, number> {
  const saved: Record<string, number> = {};
  for (const table of SALVAGED) saved[table] = 0;
  try {
    const source = openForReading(damaged);
    try {
      for (const table of SALVAGED) saved[table] = db.transaction(() => copyTable(source, db, table));
    } finally {
      source.close();
    }
  } catch {
    // The file opens not even for reading: nothing to save.
  }
  return saved;
}

function copyTable(source: ReturnType<typeof openForReading>, db: WritableDb, table: string): number {
  let copied = 0;
  const known = new Set(db.column<string>('SELECT name FROM pragma_table_info(?)', table));
  try {
    const last = source.value<number>(`SELECT count(*) FROM ${table}`) ?? 0;
    for (let offset = 0; offset < last; offset += 100) {
      for (const row of source.all<Record<string, SqlValue>>(
        `SELECT * FROM ${table} LIMIT 100 OFFSET ${offset}`,
      )) {
        const columns = Object.keys(row).filter((name) => known.has(name));
        const marks = columns.map(() => '?').join(', ');
        const values = columns.map((name) => row[name] ?? null);
        copied += db.run(
          `INSERT OR REPLACE INTO ${table} (${columns.join(', ')}) VALUES (${marks})`,
          ...values,
        ).changes;
      }
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
  return copied;
}
