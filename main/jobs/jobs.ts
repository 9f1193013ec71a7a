/** Jobs as a service: the persistent queue in front, the runner behind, and their listeners told of every change. */
import { StudioError } from '../../preload/errors.ts';
import type { Job, JobRequest, Plan, Queue } from '../../preload/jobs.ts';
import type { StudioEvent } from '../../preload/studio.ts';
import type { WritableDb } from '../storage/database.ts';
import { readSettings } from '../storage/settings.ts';
import { expectedSeconds } from './estimates.ts';
import { planJob } from './plan.ts';
import * as queue from './queue.ts';
import type { Runner } from './runner.ts';
import { SETTLED } from './states.ts';
import type { Timeline, TimelineStep } from './timeline.ts';

export interface JobsOptions {
  readonly db: WritableDb;
  readonly runner: Runner;
  readonly timeline: Timeline;
  readonly emit: (event: StudioEvent) => void;
  readonly now: () => number;
}

export class Jobs {
  readonly #options: JobsOptions;

  constructor(options: JobsOptions) {
    this.#options = options;
  }

  /** Call once after opening: marks what was running when the last session ended, then goes on with the queue. */
  start(): void {
    const { db, runner, now } = this.#options;
    queue.interruptRunning(db, now());
    runner.kick();
  }

  list(): Queue {
    const { db, runner } = this.#options;
    const jobs = queue.listJobs(db, readSettings(db).keepFinishedJobs);
    const { paused, stopping } = runner;
    return { jobs, paused, stopping, secondsLeft: this.#secondsLeft(jobs) };
  }

  /** Sum over what waits; null while any of it was never measured. */
  #secondsLeft(jobs: readonly Job[]): number | null {
    let sum = 0;
    for (const { state, request } of jobs) {
      if (state !== 'queued') continue;
      const seconds = expectedSeconds(this.#options.db, request);
      if (seconds === null) return null;
      sum += seconds;
    }
    return sum;
  }

  get(id: number): Job {
    return queue.readJob(this.#options.db, id);
  }

  add(request: JobRequest, at: 'end' | 'next' = 'end', target: Job['target'] = null): Job {
    const { db, runner, now } = this.#options;
    const job = this.#tell(queue.addJob(db, request, at, target, now()));
    runner.kick();
    return job;
  }

  move(id: number, before: number | null): void {
    queue.moveJob(this.#options.db, id, before);
    this.#tell(this.get(id));
  }

  /** A running job stops at its next step, and the engine is ended when asked twice. */
  cancel(id: number): Job {
    const { db, runner, now } = this.#options;
    if (runner.stop(id, 'cancel')) return this.get(id);
    return this.#tell(queue.applyEvent(db, id, 'cancel', now()));
  }

  /** Stops a training after it saved its state; `continue` goes on from there. */
  pauseJob(id: number): Job {
    if (this.#options.runner.stop(id, 'pause')) return this.get(id);
    throw new StudioError('conflict', `Job ${id} is not running.`, 'Only a running training can be paused.');
  }

  repeat(id: number): Job {
    const { request, target } = this.get(id);
    return this.add(request, 'end', target);
  }

  continue(id: number): Job {
    const { db, runner, now } = this.#options;
    const job = this.#tell(queue.applyEvent(db, id, 'requeue', now()));
    runner.kick();
    return job;
  }

  pause(): void {
    this.#options.runner.pause();
  }

  resume(): void {
    this.#options.runner.resume();
  }

  stop(when: 'now' | 'after-this'): void {
    const { runner } = this.#options;
    if (when === 'after-this') {
      runner.stopAfterThis();
      return;
    }
    this.pause();
    if (runner.runningId !== null) runner.stop(runner.runningId, 'cancel');
  }

  clear(which: 'queued' | 'finished'): void {
    const ids = queue.clearJobs(this.#options.db, which);
    this.#options.emit({ type: 'jobs-removed', ids });
  }

  plan(request: JobRequest): Plan {
    const { db, runner } = this.#options;
    return planJob(db, request, runner.memoryNow());
  }

  timeline(id: number): readonly TimelineStep[] {
    return this.#options.timeline.of(id);
  }

  candidates(projectId: number): Job[] {
    return queue.undecidedJobs(this.#options.db, projectId);
  }

  /** @throws StudioError `bad-input` for a picture that is not the job's. */
  decide(id: number, picture: number | null): Job {
    if (picture !== null && !this.get(id).pictures.includes(picture)) {
      throw new StudioError(
        'bad-input',
        `Picture ${picture} is not a result of job ${id}.`,
        'Reload the candidates.',
      );
    }
    return this.#tell(queue.decideJob(this.#options.db, id, picture ?? 0));
  }

  /**
   * Resolves when the job has come to rest: done, failed, cancelled. For callers that wait (HTTP APIs, tests).
   * Rejects with `cancelled` when it is taken off the list before.
   */
  async settled(id: number, subscribe: (listener: (event: StudioEvent) => void) => () => void): Promise<Job> {
    return new Promise((resolve, reject) => {
      const stop = subscribe((event) => {
        if (event.type === 'job' && event.job.id === id) finish(event.job);
        if (event.type !== 'jobs-removed' || !event.ids.includes(id)) return;
        stop();
        reject(new StudioError('cancelled', 'The job was taken off the queue.', 'Start it again.'));
      });
      const finish = (job: Job) => {
        if (!SETTLED.includes(job.state)) return;
        stop();
        resolve(job);
      };
      finish(this.get(id));
    });
  }

  #tell(job: Job): Job {
    this.#options.emit({ type: 'job', job });
    return job;
  }
}
