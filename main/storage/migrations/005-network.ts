/** Downloads, the log of every request that left the machine, and notices. */
import type { WritableDb } from '../database.ts';

export function network(db: WritableDb): void {
  db.exec(`
    CREATE TABLE downloads (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      source TEXT NOT NULL,
      url TEXT NOT NULL,
      file_name TEXT NOT NULL,
      type TEXT,
      expected_sha256 TEXT,
      state TEXT NOT NULL,
      bytes INTEGER NOT NULL DEFAULT 0,
      total_bytes INTEGER,
      -- resumes only the same version of the file
      etag TEXT,
      model_id INTEGER,
      error TEXT
    );
    CREATE TABLE network_log (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      time REAL NOT NULL,
      method TEXT NOT NULL,
      url TEXT NOT NULL,
      purpose TEXT NOT NULL,
      outcome TEXT NOT NULL,
      bytes INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE notices (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      level TEXT NOT NULL,
      time REAL NOT NULL,
      error TEXT NOT NULL
    );
  `);
}
