/** The queue, what jobs were measured to cost, and training losses. */
import type { WritableDb } from '../database.ts';

export function jobs(db: WritableDb): void {
  db.exec(`
    CREATE TABLE jobs (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      request TEXT NOT NULL,
      state TEXT NOT NULL,
      -- order among queued jobs, ascending; halves between two on a move
      position REAL NOT NULL,
      -- placed by hand: never passed over for a job whose model is loaded
      pinned INTEGER NOT NULL DEFAULT 0,
      -- other jobs that went first because their model was loaded
      passed INTEGER NOT NULL DEFAULT 0,
      created REAL NOT NULL,
      started REAL,
      finished REAL,
      crashes INTEGER NOT NULL DEFAULT 0,
      error TEXT,
      notes TEXT NOT NULL DEFAULT '[]',
      model_id INTEGER,
      project_id INTEGER,
      target TEXT,
      chosen INTEGER
    );
    CREATE INDEX jobs_queue ON jobs(state, position);
    CREATE INDEX jobs_finished ON jobs(finished);
    CREATE INDEX jobs_project ON jobs(project_id, id);

    -- exponential means by what decides the cost (see estimates.ts)
    CREATE TABLE measurements (
      key TEXT PRIMARY KEY,
      mean REAL NOT NULL,
      count INTEGER NOT NULL,
      updated REAL NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE training_losses (
      job_id INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
      step INTEGER NOT NULL,
      loss REAL NOT NULL,
      PRIMARY KEY (job_id, step)
    ) WITHOUT ROWID;
  `);
}
