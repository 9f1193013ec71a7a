/** Pictures, their settings, lineage, boards, full-text index and embeddings. */
import type { WritableDb } from '../database.ts';

export function history(db: WritableDb): void {
  db.exec(`
    -- hot columns only: a wall page or facet never reads the long request
    CREATE TABLE pictures (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      -- below the pictures folder, '/' between parts
      file TEXT NOT NULL UNIQUE,
      sha256 TEXT NOT NULL,
      kind TEXT NOT NULL,
      created REAL NOT NULL,
      width INTEGER NOT NULL,
      height INTEGER NOT NULL,
      size TEXT GENERATED ALWAYS AS (width || 'x' || height) STORED,
      month TEXT NOT NULL,
      model TEXT NOT NULL DEFAULT '',
      sampler TEXT NOT NULL DEFAULT '',
      seed TEXT NOT NULL DEFAULT '',
      rating INTEGER NOT NULL DEFAULT 0,
      deleted INTEGER NOT NULL DEFAULT 0,
      deleted_at REAL,
      job_id INTEGER,
      batch_index INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX pictures_wall ON pictures(deleted, created, id);
    CREATE INDEX pictures_rating ON pictures(deleted, rating, created, id);
    CREATE INDEX pictures_model ON pictures(deleted, model, created, id);
    CREATE INDEX pictures_sampler ON pictures(deleted, sampler, created, id);
    CREATE INDEX pictures_size ON pictures(deleted, size, created, id);
    CREATE INDEX pictures_kind ON pictures(deleted, kind, created, id);
    CREATE INDEX pictures_month ON pictures(deleted, month);
    CREATE INDEX pictures_sha256 ON pictures(sha256);
    CREATE INDEX pictures_job ON pictures(job_id, batch_index);

    CREATE TABLE picture_details (
      picture_id INTEGER PRIMARY KEY REFERENCES pictures(id) ON DELETE CASCADE,
      prompt TEXT NOT NULL DEFAULT '',
      negative_prompt TEXT NOT NULL DEFAULT '',
      -- complete GenerationRequest or UpscaleRequest as JSON
      request TEXT,
      parameters TEXT NOT NULL DEFAULT '',
      source TEXT NOT NULL DEFAULT '',
      bytes INTEGER NOT NULL
    );

    CREATE TABLE picture_loras (
      name TEXT NOT NULL,
      picture_id INTEGER NOT NULL REFERENCES pictures(id) ON DELETE CASCADE,
      PRIMARY KEY (name, picture_id)
    ) WITHOUT ROWID;
    CREATE INDEX picture_loras_picture ON picture_loras(picture_id);

    CREATE TABLE picture_parents (
      child INTEGER NOT NULL REFERENCES pictures(id) ON DELETE CASCADE,
      parent INTEGER NOT NULL REFERENCES pictures(id) ON DELETE CASCADE,
      role TEXT NOT NULL,
      PRIMARY KEY (child, parent, role)
    ) WITHOUT ROWID;
    CREATE INDEX picture_parents_parent ON picture_parents(parent);

    CREATE TABLE boards (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created REAL NOT NULL);
    CREATE TABLE board_pictures (
      board_id INTEGER NOT NULL REFERENCES boards(id) ON DELETE CASCADE,
      picture_id INTEGER NOT NULL REFERENCES pictures(id) ON DELETE CASCADE,
      added REAL NOT NULL,
      PRIMARY KEY (board_id, picture_id)
    ) WITHOUT ROWID;
    CREATE INDEX board_pictures_picture ON board_pictures(picture_id);

    CREATE VIRTUAL TABLE pictures_text USING fts5(
      prompt, negative_prompt, content='picture_details', content_rowid='picture_id', tokenize='unicode61 remove_diacritics 2', prefix='2 3'
    );
    CREATE TRIGGER picture_details_added AFTER INSERT ON picture_details BEGIN
      INSERT INTO pictures_text(rowid, prompt, negative_prompt) VALUES (new.picture_id, new.prompt, new.negative_prompt);
    END;
    CREATE TRIGGER picture_details_removed AFTER DELETE ON picture_details BEGIN
      INSERT INTO pictures_text(pictures_text, rowid, prompt, negative_prompt)
      VALUES ('delete', old.picture_id, old.prompt, old.negative_prompt);
    END;

    CREATE TABLE embeddings (
      picture_id INTEGER PRIMARY KEY REFERENCES pictures(id) ON DELETE CASCADE,
      -- sha256 or path of the encoder; vectors of another encoder are stale
      encoder TEXT NOT NULL,
      -- unit length, Float32 little-endian
      vector BLOB NOT NULL
    );

    -- a picture about to be written, or about to be removed: settled at the next start (see fileStore.ts)
    CREATE TABLE pending_files (file TEXT PRIMARY KEY, intent TEXT NOT NULL) WITHOUT ROWID;

    -- uploaded and painted pictures by contents
    CREATE TABLE uploads (
      sha256 TEXT PRIMARY KEY,
      file TEXT NOT NULL,
      bytes INTEGER NOT NULL,
      width INTEGER NOT NULL,
      height INTEGER NOT NULL,
      created REAL NOT NULL
    ) WITHOUT ROWID;
  `);
}
