/** Troubles and remarks that belong to no call: kept until the user has seen them. */
import type { StudioErrorData } from '../../preload/errors.ts';
import type { Notice, StudioEvent } from '../../preload/studio.ts';
import type { ReadableDb, WritableDb } from '../storage/database.ts';

export function addNotice(
  db: WritableDb,
  emit: (event: StudioEvent) => void,
  level: Notice['level'],
  error: StudioErrorData,
  time: number,
): void {
  const { id } = db.run(
    'INSERT INTO notices (level, time, error) VALUES (?, ?, ?)',
    level,
    time,
    JSON.stringify(error),
  );
  emit({ type: 'notice', notice: { id, level, time, error } });
}

export function listNotices(db: ReadableDb): Notice[] {
  return db
    .all<{ id: number; level: Notice['level']; time: number; error: string }>(
      'SELECT * FROM notices ORDER BY id DESC LIMIT 50',
    )
    .map((row) => ({ ...row, error: JSON.parse(row.error) }));
}

export function dismissNotice(db: WritableDb, id: number): void {
  db.run('DELETE FROM notices WHERE id = ?', id);
}
