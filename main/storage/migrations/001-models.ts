/** Settings, model folders and model cards. */
import type { WritableDb } from '../database.ts';

export function models(db: WritableDb): void {
  db.exec(`
    CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

    CREATE TABLE folders (
      id INTEGER PRIMARY KEY,
      path TEXT NOT NULL UNIQUE,
      layout TEXT NOT NULL,
      own INTEGER NOT NULL DEFAULT 0,
      -- model type that files here are meant to be ('' = any): breaks ties of the detector
      expected TEXT NOT NULL DEFAULT '',
      added REAL NOT NULL
    );

    CREATE TABLE models (
      id INTEGER PRIMARY KEY,
      folder_id INTEGER NOT NULL REFERENCES folders(id) ON DELETE CASCADE,
      path TEXT NOT NULL UNIQUE,
      file_name TEXT NOT NULL,
      name TEXT NOT NULL DEFAULT '',
      type TEXT NOT NULL,
      base TEXT NOT NULL,
      user_type TEXT,
      user_base TEXT,
      variant TEXT NOT NULL DEFAULT '',
      prediction TEXT NOT NULL DEFAULT 'unknown',
      dtype TEXT NOT NULL DEFAULT '',
      bytes INTEGER NOT NULL,
      modified REAL NOT NULL,
      sidecars_modified REAL NOT NULL DEFAULT 0,
      state TEXT NOT NULL,
      reason TEXT NOT NULL DEFAULT '',
      tensor_count INTEGER NOT NULL DEFAULT 0,
      metadata TEXT NOT NULL DEFAULT '{}',
      tag_frequency TEXT NOT NULL DEFAULT '[]',
      description TEXT NOT NULL DEFAULT '',
      sha256 TEXT,
      auto_v3 TEXT,
      found_triggers TEXT NOT NULL DEFAULT '[]',
      triggers_guessed INTEGER NOT NULL DEFAULT 0,
      user_triggers TEXT,
      notes TEXT NOT NULL DEFAULT '',
      favourite INTEGER NOT NULL DEFAULT 0,
      defaults TEXT NOT NULL DEFAULT '{}',
      found_preview TEXT,
      user_preview TEXT,
      uses INTEGER NOT NULL DEFAULT 0,
      last_used REAL
    );
    CREATE INDEX models_folder ON models(folder_id);
    CREATE INDEX models_sha256 ON models(sha256);
    CREATE INDEX models_auto_v3 ON models(auto_v3);
    CREATE INDEX models_file_name ON models(file_name COLLATE NOCASE);

    CREATE TABLE model_tags (
      model_id INTEGER NOT NULL REFERENCES models(id) ON DELETE CASCADE,
      tag TEXT NOT NULL,
      PRIMARY KEY (model_id, tag)
    ) WITHOUT ROWID;
    CREATE INDEX model_tags_tag ON model_tags(tag);
  `);
}
