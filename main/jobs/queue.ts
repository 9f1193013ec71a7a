/** The persistent queue: the only code that reads and writes the `jobs` table. */
import { StudioError, type StudioErrorData } from '../../preload/errors.ts';
import type { Job, JobRequest } from '../../preload/jobs.ts';
import type { ReadableDb, WritableDb } from '../storage/database.ts';
import { modelKey } from './estimates.ts';
import { type JobEvent, nextState } from './states.ts';

interface JobRow {
  id: number;
  request: string;
  state: Job['state'];
  position: number;
  created: number;
  started: number | null;
  finished: number | null;
  crashes: number;
  error: string | null;
  notes: string;
  model_id: number | null;
  target: string | null;
  chosen: number | null;
  pictures: string;
  pinned: number;
  passed: number;
}

const SELECT = `SELECT j.id, j.request, j.state, j.position, j.created, j.started, j.finished, j.crashes, j.error, j.notes,
  j.model_id, j.target, j.chosen, j.pinned, j.passed,
  (SELECT json_group_array(id) FROM (SELECT id FROM pictures WHERE job_id = j.id ORDER BY batch_index)) AS pictures
  FROM jobs j`;

/** How many others may go before a job because their model is loaded, and how far ahead to look for them. */
const PATIENCE = 4;
const LOOK_AHEAD = 8;

/** Queues a request at the end, or before all others; `target` says where in the studio its pictures go, `now` is in ms. */
export function addJob(
  db: WritableDb,
  request: JobRequest,
  at: 'end' | 'next',
  target: Job['target'],
  now: number,
): Job {
  return db.transaction(() => {
    const edge = at === 'end' ? 'max(position) + 1' : 'min(position) - 1';
    const position = db.value<number>(`SELECT coalesce(${edge}, 0) FROM jobs WHERE state = 'queued'`) ?? 0;
    const { id } = db.run(
      "INSERT INTO jobs (request, state, position, pinned, created, target, project_id) VALUES (?, 'queued', ?, ?, ?, ?, ?)",
      ...[JSON.stringify(request), position, at === 'next' ? 1 : 0, now],
      ...[target && JSON.stringify(target), target?.projectId ?? null],
    );
    return readJob(db, id);
  });
}

/** @throws StudioError `not-found`. */
export function readJob(db: ReadableDb, id: number): Job {
  const row = db.get<JobRow>(`${SELECT} WHERE j.id = ?`, id);
  if (row !== undefined) return toJob(row);
  throw new StudioError('not-found', `There is no job ${id}.`, 'Reload the queue; it may have been cleared.');
}

/** Running first, then what waits in order, then the latest finished ones. */
export function listJobs(db: ReadableDb, finishedLimit: number): Job[] {
  const open = db.all<JobRow>(
    `${SELECT} WHERE j.state IN ('running', 'queued', 'paused', 'interrupted') ORDER BY j.state <> 'running', j.state <> 'queued', j.position, j.id`,
  );
  const finished = db.all<JobRow>(
    `${SELECT} WHERE j.state IN ('done', 'failed', 'cancelled') ORDER BY j.finished DESC, j.id DESC LIMIT ?`,
    finishedLimit,
  );
  return [...open, ...finished].map(toJob);
}

function toJob(row: JobRow): Job {
  const {
    model_id,
    error,
    target,
    notes,
    pictures,
    request,
    pinned: _pinned,
    passed: _passed,
    ...plain
  } = row;
  return {
    ...plain,
    request: JSON.parse(request),
    error: error === null ? null : JSON.parse(error),
    target: target === null ? null : JSON.parse(target),
    notes: JSON.parse(notes),
    pictures: JSON.parse(pictures),
    modelId: model_id,
  };
}

export interface Change {
  readonly error?: StudioErrorData | null;
  readonly notes?: readonly string[];
  readonly modelId?: number;
}

/** Moves a job along the transition table and records what belongs to the step. @throws StudioError `conflict`. */
export function applyEvent(
  db: WritableDb,
  id: number,
  event: JobEvent,
  now: number,
  change: Change = {},
): Job {
  return db.transaction(() => {
    const job = readJob(db, id);
    const state = nextState(job.state, event);
    const settled = state !== 'queued' && state !== 'running';
    const crashes =
      event === 'crash' ? job.crashes + 1 : event === 'finish' || event === 'requeue' ? 0 : job.crashes;
    db.run(
      'UPDATE jobs SET state = ?, started = ?, finished = ?, crashes = ?, error = ?, notes = ?, model_id = ? WHERE id = ?',
      ...[state, event === 'start' ? now : job.started, settled ? now : null, crashes],
      ...[change.error ? JSON.stringify(change.error) : null, JSON.stringify(change.notes ?? job.notes)],
      ...[change.modelId ?? job.modelId, id],
    );
    if (event === 'requeue') toEnd(db, id);
    return readJob(db, id);
  });
}

function toEnd(db: WritableDb, id: number): void {
  db.run(
    "UPDATE jobs SET position = (SELECT coalesce(max(position), 0) + 1 FROM jobs WHERE state = 'queued' AND id <> ?) WHERE id = ?",
    id,
    id,
  );
}

/** To just before another queued job, or to the end. @throws StudioError when either is not queued. */
export function moveJob(db: WritableDb, id: number, before: number | null): void {
  db.transaction(() => {
    requireQueued(db, id);
    if (before === null) toEnd(db, id);
    else {
      const after = requireQueued(db, before);
      const previous = db.value<number>(
        "SELECT max(position) FROM jobs WHERE state = 'queued' AND position < ? AND id <> ?",
        after.position,
        id,
      );
      const position = typeof previous === 'number' ? (previous + after.position) / 2 : after.position - 1;
      if (position === previous || position === after.position) return respace(db, id, before);
      db.run('UPDATE jobs SET position = ? WHERE id = ?', position, id);
    }
    db.run('UPDATE jobs SET pinned = 1 WHERE id = ?', id);
  });
}

/** After some fifty moves into the same gap the halves are used up: whole numbers again, then once more. */
function respace(db: WritableDb, id: number, before: number): void {
  const ids = db.column<number>("SELECT id FROM jobs WHERE state = 'queued' ORDER BY position, id");
  for (const [index, job] of ids.entries()) db.run('UPDATE jobs SET position = ? WHERE id = ?', index, job);
  moveJob(db, id, before);
}

function requireQueued(db: ReadableDb, id: number): Job {
  const job = readJob(db, id);
  if (job.state === 'queued') return job;
  throw new StudioError(
    'conflict',
    `Job ${id} is ${job.state} and cannot be moved.`,
    'Only waiting jobs have a place.',
  );
}

/**
 * The job to run next: the first in order, unless one of the next few uses the model that is loaded.
 * A job placed by hand or passed over PATIENCE times is never passed over.
 */
export function takeNext(db: WritableDb, loadedModel: string | null): Job | undefined {
  const waiting = db.all<JobRow>(
    `${SELECT} WHERE j.state = 'queued' ORDER BY j.position, j.id LIMIT ?`,
    LOOK_AHEAD,
  );
  const [first] = waiting;
  if (first === undefined) return undefined;
  if (first.pinned || first.passed >= PATIENCE || loadedModel === null) return toJob(first);
  const fitting = waiting.findIndex((row) => modelKey(JSON.parse(row.request)) === loadedModel);
  if (fitting <= 0) return toJob(first);
  for (const row of waiting.slice(0, fitting)) {
    if (row.pinned || row.passed >= PATIENCE) return toJob(row);
  }
  for (const row of waiting.slice(0, fitting))
    db.run('UPDATE jobs SET passed = passed + 1 WHERE id = ?', row.id);
  return toJob(waiting[fitting] as JobRow);
}

/** Jobs that ran when the program ended are marked so. @returns their ids. */
export function interruptRunning(db: WritableDb, now: number): number[] {
  const ids = db.column<number>("SELECT id FROM jobs WHERE state = 'running'");
  const error: StudioErrorData = {
    code: 'crashed',
    message: 'The studio ended while this job was running.',
    hint: 'Continue it, or repeat it as a new job.',
  };
  for (const id of ids) applyEvent(db, id, 'interrupt', now, { error });
  return ids;
}

/** Removes waiting or settled jobs from the list; pictures stay. @returns the ids removed. */
export function clearJobs(db: WritableDb, which: 'queued' | 'finished'): number[] {
  const states = which === 'queued' ? "('queued')" : "('done', 'failed', 'cancelled', 'interrupted')";
  return db.transaction(() => {
    const ids = db.column<number>(`SELECT id FROM jobs WHERE state IN ${states}`);
    db.run(`DELETE FROM jobs WHERE state IN ${states}`);
    return ids;
  });
}

/** Jobs of a project with pictures but no decision, newest first. */
export function undecidedJobs(db: ReadableDb, projectId: number): Job[] {
  return db
    .all<JobRow>(
      `${SELECT} WHERE j.project_id = ? AND j.state = 'done' AND j.chosen IS NULL ORDER BY j.id DESC LIMIT 100`,
      projectId,
    )
    .map(toJob);
}

/** @param picture 0 discards all. */
export function decideJob(db: WritableDb, id: number, picture: number): Job {
  db.run('UPDATE jobs SET chosen = ? WHERE id = ?', picture, id);
  return readJob(db, id);
}
