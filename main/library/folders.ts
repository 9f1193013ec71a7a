/** The folders that the library looks into. */
import { existsSync } from 'node:fs';
import { StudioError } from '../../preload/errors.ts';
import type { ModelFolder, ModelType } from '../../preload/models.ts';
import type { ReadableDb, WritableDb } from '../storage/database.ts';
import { findFolders } from './trees.ts';

/** The studio's own folders by model type, below its models folder. */
export const OWN_FOLDERS: Readonly<Partial<Record<ModelType, string>>> = {
  checkpoint: 'checkpoints',
  lora: 'loras',
  controlnet: 'controlnet',
  vae: 'vae',
  embedding: 'embeddings',
  upscaler: 'upscalers',
};

export function listFolders(db: ReadableDb): ModelFolder[] {
  const rows = db.all<Omit<ModelFolder, 'own' | 'reachable'> & { own: number }>(
    `SELECT f.id, f.path, f.layout, f.own, count(m.id) AS models, coalesce(sum(m.bytes), 0) AS bytes
     FROM folders f LEFT JOIN models m ON m.folder_id = f.id AND m.state <> 'missing' GROUP BY f.id ORDER BY f.own DESC, f.path`,
  );
  return rows.map((row) => ({ ...row, own: row.own !== 0, reachable: existsSync(row.path) }));
}

/** Adds a folder, or each folder of a tool's tree. @returns the ids to scan. */
export function addFolders(
  db: WritableDb,
  root: string,
  layout: ModelFolder['layout'] | 'auto',
  now: number,
): number[] {
  const found = findFolders(root, layout);
  return db.transaction(() =>
    found.map(({ path, layout: kind, expected }) => {
      db.run(
        'INSERT OR IGNORE INTO folders (path, layout, expected, added) VALUES (?, ?, ?, ?)',
        path,
        kind,
        expected ?? '',
        now,
      );
      return db.value<number>('SELECT id FROM folders WHERE path = ?', path) as number;
    }),
  );
}

/** The studio's own models folder; made once. @returns its id. */
export function ensureOwnFolder(db: WritableDb, path: string, now: number): number {
  const known = db.value<number>('SELECT id FROM folders WHERE path = ?', path);
  if (known !== undefined) return known;
  return db.run("INSERT INTO folders (path, layout, own, added) VALUES (?, 'plain', 1, ?)", path, now).id;
}

/** Forgets a folder with its cards; touches no file. @throws StudioError for the studio's own folder. */
export function removeFolder(db: WritableDb, id: number): void {
  const own = db.value<number>('SELECT own FROM folders WHERE id = ?', id);
  if (own === undefined)
    throw new StudioError('not-found', `There is no model folder ${id}.`, 'Reload the library.');
  if (own !== 0) {
    throw new StudioError(
      'not-allowed',
      'The studio keeps its own models folder.',
      'Delete single models instead.',
    );
  }
  db.run('DELETE FROM folders WHERE id = ?', id);
}
