/** Canvas projects: an append-only action log with a cursor, so that undo survives a restart. */
import { StudioError } from '../../preload/errors.ts';
import type { OpenProject, Project, ProjectAction } from '../../preload/projects.ts';
import type { ReadableDb, WritableDb } from '../storage/database.ts';
import type { FileUrls } from '../storage/urls.ts';

interface ProjectRow {
  id: number;
  name: string;
  width: number;
  height: number;
  created: number;
  modified: number;
  file: string;
  thumbnail: string | null;
  cursor: number;
  snapshot_seq: number;
  document: string | null;
}

/** Those not deleted, the latest changed first. */
export function listProjects(db: ReadableDb, urls: FileUrls): Project[] {
  return db
    .all<ProjectRow>('SELECT * FROM projects WHERE deleted_at IS NULL ORDER BY modified DESC, id DESC')
    .map((row) => toProject(row, urls));
}

function toProject(
  { id, name, width, height, created, modified, file, thumbnail }: ProjectRow,
  urls: FileUrls,
): Project {
  const thumbnailUrl = thumbnail === null ? null : urls.of('upload', thumbnail);
  return { id, name, width, height, created, modified, file, thumbnailUrl };
}

/** An empty one of so many pixels. @returns its id. */
export function createProject(
  db: WritableDb,
  name: string,
  width: number,
  height: number,
  now: number,
): number {
  return db.run(
    'INSERT INTO projects (name, width, height, created, modified) VALUES (?, ?, ?, ?, ?)',
    ...[name, width, height, now, now],
  ).id;
}

/** The project with its whole log. @throws StudioError `not-found`. */
export function openProject(db: ReadableDb, urls: FileUrls, id: number): OpenProject {
  const row = requireProject(db, id);
  const actions = db.all<{ seq: number; label: string; forward: string; backward: string }>(
    'SELECT seq, label, forward, backward FROM project_actions WHERE project_id = ? ORDER BY seq',
    id,
  );
  return {
    project: toProject(row, urls),
    document: row.document === null ? null : JSON.parse(row.document),
    snapshotSeq: row.snapshot_seq,
    firstSeq: actions[0]?.seq ?? row.cursor + 1,
    actions: actions.map(({ label, forward, backward }) => ({
      label,
      forward: JSON.parse(forward),
      backward: JSON.parse(backward),
    })),
    cursor: row.cursor,
  };
}

/**
 * Appends after the cursor; undone actions beyond it are dropped, as a new stroke does.
 * @returns the new cursor.
 * @throws StudioError `conflict` when the cursor is not where the window believes it is.
 */
export function appendActions(
  db: WritableDb,
  id: number,
  after: number,
  actions: readonly ProjectAction[],
  now: number,
): number {
  return db.transaction(() => {
    const { cursor, snapshot_seq } = requireProject(db, id);
    if (cursor !== after) {
      throw new StudioError(
        'conflict',
        `The project is at action ${cursor}, not ${after}.`,
        'Open the project again; it was changed in another window.',
      );
    }
    db.run('DELETE FROM project_actions WHERE project_id = ? AND seq > ?', id, after);
    for (const [index, { label, forward, backward }] of actions.entries()) {
      const texts = [label, JSON.stringify(forward), JSON.stringify(backward)];
      db.run('INSERT INTO project_actions VALUES (?, ?, ?, ?, ?)', id, after + 1 + index, ...texts);
    }
    // A snapshot of a future that was undone and overwritten is none any more.
    if (snapshot_seq > after)
      db.run('UPDATE projects SET snapshot_seq = 0, document = NULL WHERE id = ?', id);
    return moveCursor(db, id, after + actions.length, now);
  });
}

/** Undo and redo. @throws StudioError `bad-input` for a place outside the log. */
export function setCursor(db: WritableDb, id: number, cursor: number, now: number): void {
  const { cursor: current } = requireProject(db, id);
  const [first, last] = [logEdge(db, id, 'min'), logEdge(db, id, 'max')];
  if (cursor < (first ?? current + 1) - 1 || cursor > (last ?? current)) {
    throw new StudioError('bad-input', `The log has no action ${cursor}.`, 'Open the project again.');
  }
  moveCursor(db, id, cursor, now);
}

function logEdge(db: ReadableDb, id: number, edge: 'min' | 'max'): number | null {
  return db.value<number | null>(`SELECT ${edge}(seq) FROM project_actions WHERE project_id = ?`, id) ?? null;
}

function moveCursor(db: WritableDb, id: number, cursor: number, now: number): number {
  db.run('UPDATE projects SET cursor = ?, modified = ? WHERE id = ?', cursor, now, id);
  return cursor;
}

/** Keeps the document as it is after action `seq`. Older snapshots are replaced, the log stays. */
export function saveSnapshot(
  db: WritableDb,
  id: number,
  seq: number,
  document: unknown,
  thumbnail: string | null,
): void {
  requireProject(db, id);
  db.run(
    'UPDATE projects SET snapshot_seq = ?, document = ?, thumbnail = coalesce(?, thumbnail) WHERE id = ?',
    seq,
    JSON.stringify(document),
    thumbnail,
    id,
  );
}

/** @throws StudioError `not-found`. */
export function renameProject(db: WritableDb, id: number, name: string): void {
  requireProject(db, id);
  db.run('UPDATE projects SET name = ? WHERE id = ?', name, id);
}

/** Out of the list, or back into it; nothing is removed. */
export function setProjectDeleted(db: WritableDb, id: number, deletedAt: number | null): void {
  if (db.run('UPDATE projects SET deleted_at = ? WHERE id = ?', deletedAt, id).changes === 0)
    throw noProject(id);
}

function requireProject(db: ReadableDb, id: number): ProjectRow {
  const row = db.get<ProjectRow>('SELECT * FROM projects WHERE id = ?', id);
  if (row === undefined) throw noProject(id);
  return row;
}

function noProject(id: number): StudioError {
  return new StudioError('not-found', `There is no project ${id}.`, 'Reload the list of projects.');
}
