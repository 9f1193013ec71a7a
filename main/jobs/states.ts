/** The life of a job as one table: what may happen in a state, and what it becomes. */
import { StudioError } from '../../preload/errors.ts';
import type { JobState } from '../../preload/jobs.ts';

export type JobEvent =
  | 'start'
  | 'finish'
  | 'fail'
  | 'cancel'
  | 'pause'
  /** The engine died, for the first time in a row. */
  | 'crash'
  /** The program ended while the job ran. */
  | 'interrupt'
  /** Asked for again by the user. */
  | 'requeue';

// biome-ignore format: one table, read across
export const TRANSITIONS: Readonly<Record<JobState, Partial<Readonly<Record<JobEvent, JobState>>>>> = {
  queued:      { start: 'running', cancel: 'cancelled' },
  running:     { finish: 'done', fail: 'failed', cancel: 'cancelled', pause: 'paused', crash: 'queued', interrupt: 'interrupted' },
  paused:      { requeue: 'queued', cancel: 'cancelled' },
  interrupted: { requeue: 'queued', cancel: 'cancelled' },
  failed:      { requeue: 'queued' },
  cancelled:   { requeue: 'queued' },
  done:        {},
};

/** States in which nothing more happens by itself. */
export const SETTLED: readonly JobState[] = ['done', 'failed', 'cancelled'];

/** @throws StudioError `conflict` when the event cannot happen in this state. */
export function nextState(state: JobState, event: JobEvent): JobState {
  const next = TRANSITIONS[state][event];
  if (next !== undefined) return next;
  throw new StudioError(
    'conflict',
    `A job that is ${state} cannot ${event}.`,
    'Reload the queue; it has changed.',
  );
}
