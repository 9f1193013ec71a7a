/** Canvas projects and their append-only action log. */
import type { WritableDb } from '../database.ts';

export function projects(db: WritableDb): void {
  db.exec(`
    CREATE TABLE projects (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      name TEXT NOT NULL,
      width INTEGER NOT NULL,
      height INTEGER NOT NULL,
      created REAL NOT NULL,
      modified REAL NOT NULL,
      deleted_at REAL,
      file TEXT NOT NULL DEFAULT '',
      thumbnail TEXT,
      cursor INTEGER NOT NULL DEFAULT 0,
      snapshot_seq INTEGER NOT NULL DEFAULT 0,
      document TEXT
    );
    CREATE TABLE project_actions (
      project_id INTEGER NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
      seq INTEGER NOT NULL,
      label TEXT NOT NULL,
      forward TEXT NOT NULL,
      backward TEXT NOT NULL,
      PRIMARY KEY (project_id, seq)
    );
  `);
}
