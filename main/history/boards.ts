/** Boards: named collections a picture may lie on several of. */
import { StudioError } from '../../preload/errors.ts';
import type { Board } from '../../preload/history.ts';
import type { ReadableDb, WritableDb } from '../storage/database.ts';
import type { FileUrls } from '../storage/urls.ts';

/** By name; the newest picture is the cover, deleted ones do not count. */
export function listBoards(db: ReadableDb, urls: FileUrls): Board[] {
  const rows = db.all<{ id: number; name: string; pictures: number; cover: number | null }>(
    `SELECT b.id, b.name, count(p.id) AS pictures, max(p.id) AS cover FROM boards b
     LEFT JOIN board_pictures bp ON bp.board_id = b.id LEFT JOIN pictures p ON p.id = bp.picture_id AND p.deleted = 0
     GROUP BY b.id ORDER BY b.name COLLATE NOCASE`,
  );
  return rows.map(({ cover, ...board }) => ({
    ...board,
    coverUrl: cover === null ? null : urls.of('thumbnail', String(cover)),
  }));
}

/** @throws StudioError `conflict` when the name is taken. */
export function createBoard(db: WritableDb, name: string, now: number): Board {
  requireFree(db, name);
  const { id } = db.run('INSERT INTO boards (name, created) VALUES (?, ?)', name, now);
  return { id, name, pictures: 0, coverUrl: null };
}

/** @throws StudioError `conflict` when the name is taken, `not-found`. */
export function renameBoard(db: WritableDb, id: number, name: string): void {
  requireFree(db, name, id);
  if (db.run('UPDATE boards SET name = ? WHERE id = ?', name, id).changes === 0) throw noBoard(id);
}

/** The pictures stay in the history. @throws StudioError `not-found`. */
export function deleteBoard(db: WritableDb, id: number): void {
  if (db.run('DELETE FROM boards WHERE id = ?', id).changes === 0) throw noBoard(id);
}

/** Pictures that are there already stay where they are. @throws StudioError `not-found` for a board that is not there. */
export function addToBoard(db: WritableDb, boardId: number, ids: readonly number[], now: number): void {
  if (db.value('SELECT 1 FROM boards WHERE id = ?', boardId) === undefined) throw noBoard(boardId);
  db.run(
    'INSERT OR IGNORE INTO board_pictures SELECT ?, id, ? FROM pictures WHERE id IN (SELECT value FROM json_each(?))',
    boardId,
    now,
    JSON.stringify(ids),
  );
}

/** Pictures that do not lie there are passed over. */
export function removeFromBoard(db: WritableDb, boardId: number, ids: readonly number[]): void {
  db.run(
    'DELETE FROM board_pictures WHERE board_id = ? AND picture_id IN (SELECT value FROM json_each(?))',
    boardId,
    JSON.stringify(ids),
  );
}

function requireFree(db: ReadableDb, name: string, except = 0): void {
  if (db.value('SELECT 1 FROM boards WHERE name = ? AND id <> ?', name, except) === undefined) return;
  throw new StudioError('conflict', `There is a board "${name}" already.`, 'Choose another name.');
}

function noBoard(id: number): StudioError {
  return new StudioError(
    'not-found',
    `There is no board ${id}.`,
    'Reload the boards; it may have been removed.',
  );
}
