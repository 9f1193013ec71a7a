/** Opens the studio's SQLite file: WAL, foreign keys, full durability, and readers told apart from writers by type. */
import Database from 'better-sqlite3';

export type SqlValue = string | number | bigint | Uint8Array | null;

/** Reads only. Functions take this by default. */
export interface ReadableDb {
  /** All rows; `Row` names the selected columns. */
  all<Row>(sql: string, ...values: SqlValue[]): Row[];
  get<Row>(sql: string, ...values: SqlValue[]): Row | undefined;
  /** First column of every row. */
  column<Value>(sql: string, ...values: SqlValue[]): Value[];
  /** First column of the first row. */
  value<Value>(sql: string, ...values: SqlValue[]): Value | undefined;
}

declare const writable: unique symbol;

/** May write. Only services that own a table ask for it. */
export interface WritableDb extends ReadableDb {
  readonly [writable]: true;
  run(sql: string, ...values: SqlValue[]): { changes: number; id: number };
  /** Several statements without values: schema changes. */
  exec(sql: string): void;
  /** All or nothing; nests by savepoints. */
  transaction<Result>(work: () => Result): Result;
  close(): void;
}

const STATEMENT_LIMIT = 400;

/**
 * Opens or creates `file` (":memory:" in tests).
 * Commits are fsynced (synchronous=FULL): what was reported done survives a power cut.
 * @throws the driver's SqliteError when the file is no database or damaged (see recovery.ts).
 */
export function openDatabase(file: string): WritableDb {
  const database = new Database(file, { timeout: 5000 });
  try {
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    database.pragma('trusted_schema = OFF');
    database.pragma('cache_size = -32000');
    database.pragma('temp_store = MEMORY');
  } catch (error) {
    database.close();
    throw error;
  }
  return wrap(database);
}

/** Opens a file of unknown origin for reading only: nothing in its schema is trusted or run. */
export function openForReading(file: string): ReadableDb & { close(): void } {
  const database = new Database(file, { readonly: true, fileMustExist: true });
  database.pragma('trusted_schema = OFF');
  database.pragma('cell_size_check = ON');
  return wrap(database);
}

function wrap(database: Database.Database): WritableDb {
  const prepare = statementCache(database);
  const reading: ReadableDb = {
    all: <Row>(sql: string, ...values: SqlValue[]) => prepare(sql).all(...values) as Row[],
    get: <Row>(sql: string, ...values: SqlValue[]) => prepare(sql).get(...values) as Row | undefined,
    column: <Value>(sql: string, ...values: SqlValue[]) =>
      prepare(sql)
        .pluck(true)
        .all(...values) as Value[],
    value: <Value>(sql: string, ...values: SqlValue[]) =>
      prepare(sql)
        .pluck(true)
        .get(...values) as Value | undefined,
  };
  const writing = {
    run: (sql: string, ...values: SqlValue[]) => {
      const { changes, lastInsertRowid } = prepare(sql).run(...values);
      return { changes, id: Number(lastInsertRowid) };
    },
    exec: (sql: string) => void database.exec(sql),
    transaction: <Result>(work: () => Result) => database.transaction(work).immediate() as Result,
    close: () => void database.close(),
  };
  return { ...reading, ...writing } as WritableDb;
}

/** Prepared statements by text; the oldest go when a filter has made too many variants. */
function statementCache(database: Database.Database): (sql: string) => Database.Statement<SqlValue[]> {
  const cache = new Map<string, Database.Statement<SqlValue[]>>();
  return (sql) => {
    const known = cache.get(sql);
    if (known !== undefined) return known.reader ? known.pluck(false) : known;
    if (cache.size >= STATEMENT_LIMIT) cache.delete(cache.keys().next().value as string);
    const statement = database.prepare<SqlValue[]>(sql);
    cache.set(sql, statement);
    return statement;
  };
}
