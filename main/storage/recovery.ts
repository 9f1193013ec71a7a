/** Opens the studio's database; what can still be read of a damaged one is carried over into a new one, and it is moved aside. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { openDatabase, openForReading, type ReadableDb, type SqlValue, type WritableDb } from './database.ts';
import { renameDurably } from './fileStore.ts';
import { migrate } from './migrate.ts';
import { readValue, writeValue } from './settings.ts';

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

/** A database is a file and, while it is open or was not closed, these beside it. */
const SIDES = ['-wal', '-shm'];
/** Rows lost with an unreadable one. */
const ROWS_AT_ONCE = 100;
/** Kept in a database that took a damaged one's place, until a session with it has ended cleanly. */
const DAMAGE_KEY = 'damage';

/**
 * Opens and migrates; checks the whole file first when the last session did not close it.
 * @throws what the disk throws (full, read-only); never for damage.
 */
export function openStudioDatabase(file: string): OpenedDatabase {
  const rebuilt = `${file}.rebuilt`;
  // The last start ended between moving the damaged file away and putting the closed new one in its place.
  if (!existsSync(file) && existsSync(rebuilt) && !existsSync(`${rebuilt}-wal`)) takePlace(rebuilt, file);
  const reason = damageOf(file);
  if (reason !== null) replace(file, rebuilt, reason);
  const db = openMigrated(file);
  return { db, damage: readValue(db, DAMAGE_KEY) as OpenedDatabase['damage'] };
}

/** The damaged file keeps its name until all is saved from it: whatever ends this early, the next start begins again. */
function replace(file: string, rebuilt: string, reason: string): void {
  for (const side of ['', ...SIDES]) rmSync(rebuilt + side, { force: true });
  const movedTo = placeAside(file);
  const db = openMigrated(rebuilt);
  try {
    writeValue(db, DAMAGE_KEY, { movedTo, reason, saved: salvage(file, db) });
  } finally {
    db.close();
  }
  for (const side of ['', ...SIDES]) if (existsSync(file + side)) renameDurably(file + side, movedTo + side);
  takePlace(rebuilt, file);
}

function takePlace(rebuilt: string, file: string): void {
  // SQLite would apply another file's log to this one.
  for (const side of SIDES) rmSync(file + side, { force: true });
  renameDurably(rebuilt, file);
}

/** Leaves the mark that the next start need not check everything, then closes. */
export function closeCleanly(db: WritableDb): void {
  db.transaction(() => {
    db.run('DELETE FROM settings WHERE key = ?', DAMAGE_KEY);
    writeValue(db, 'closed', true);
  });
  db.close();
}

function openMigrated(file: string): WritableDb {
  const db = openDatabase(file);
  migrate(db);
  writeValue(db, 'closed', false);
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
  const code = errorCode(error);
  return code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB';
}

/** A free name in a folder beside it, which is made. */
function placeAside(file: string): string {
  const folder = join(dirname(file), 'damaged');
  mkdirSync(folder, { recursive: true });
  for (let number = 1; ; number++) {
    const place = join(folder, `${number}-${basename(file)}`);
    if (!existsSync(place)) return place;
  }
}

/** Copies readable rows table by table. @throws what the disk of the new database throws. */
function salvage(damaged: string, db: WritableDb): Record<string, number> {
  const source = openForReading(damaged);
  try {
    const counts = SALVAGED.map((table) => [table, db.transaction(() => copyTable(source, db, table))]);
    return Object.fromEntries(counts);
  } finally {
    source.close();
  }
}

function copyTable(source: ReadableDb, db: WritableDb, table: string): number {
  const known = new Set(db.column<string>('SELECT name FROM pragma_table_info(?)', table));
  let copied = 0;
  // Not counted first: that would read an index, which may be damaged where the table is not.
  for (let offset = 0; ; offset += ROWS_AT_ONCE) {
    const rows = readableRows(source, table, offset);
    if (rows.length === 0) return copied;
    for (const row of rows) copied += copyRow(row, db, table, known);
  }
}

/** A table ends at its first unreadable page. */
function readableRows(source: ReadableDb, table: string, offset: number): Row[] {
  try {
    return source.all<Row>(`SELECT * FROM ${table} LIMIT ${ROWS_AT_ONCE} OFFSET ${offset}`);
  } catch {
    return [];
  }
}

type Row = Record<string, SqlValue>;

/** @returns how many rows were written: none where one it refers to is lost, or damage made it impossible. */
function copyRow(row: Row, db: WritableDb, table: string, known: ReadonlySet<string>): number {
  const columns = Object.keys(row).filter((name) => known.has(name));
  const marks = columns.map(() => '?').join(', ');
  const values = columns.map((name) => row[name] ?? null);
  try {
    return db.run(`INSERT OR REPLACE INTO ${table} (${columns.join(', ')}) VALUES (${marks})`, ...values)
      .changes;
  } catch (error) {
    if (errorCode(error).startsWith('SQLITE_CONSTRAINT')) return 0;
    throw error;
  }
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
