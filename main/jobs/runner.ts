/** Feeds one job after another to the engine: progress out, pictures into the history, crashes survived. */
import { availableMemory } from 'node:process';
import { StudioError, type StudioErrorData, toStudioError } from '../../preload/errors.ts';
import type { Job, JobProgress } from '../../preload/jobs.ts';
import type { Notice, StudioEvent } from '../../preload/studio.ts';
import type { EngineClient } from '../engine/border/client.ts';
import { EngineError } from '../engine/border/failures.ts';
import type { EngineProgress } from '../engine/border/protocol.ts';
import type { WritableDb } from '../storage/database.ts';
import { diskError } from '../storage/fileStore.ts';
import { readSettings, readValue, writeValue } from '../storage/settings.ts';
import { expectedSeconds, learn, modelKey } from './estimates.ts';
import { chooseMemory, knownMemory, learnPeak } from './memoryNeed.ts';
import { privateBytes, totalMemory, watchPeak } from './memoryWatch.ts';
import { type MemoryNow, refuseImpossible } from './memoryWays.ts';
import { previewUrl, trackProgress } from './progress.ts';
import { applyEvent, readJob, takeNext } from './queue.ts';
import { type ResolvePlaces, requestToRecord, toEngineJob } from './resolve.ts';
import type { FinishJob } from './results.ts';
import type { Timeline } from './timeline.ts';

/** What the runner needs of the engine; EngineClient is it. */
export type Engine = Pick<EngineClient, 'run' | 'kill' | 'pid'>;

export interface RunnerOptions {
  readonly db: WritableDb;
  readonly engine: Engine;
  readonly places: ResolvePlaces;
  readonly finish: FinishJob;
  readonly timeline: Timeline;
  readonly emit: (event: StudioEvent) => void;
  readonly now: () => number;
  /** Called when nothing is left to run. */
  readonly onIdle: () => void;
}

const PAUSED_KEY = 'queue paused';

interface Current {
  readonly id: number;
  readonly controller: AbortController;
  /** Why it was stopped on purpose. */
  stopped: 'cancel' | 'pause' | null;
}

export class Runner {
  readonly #options: RunnerOptions;
  #current: Current | null = null;
  #loaded: string | null = null;
  #closed = false;
  #work: Promise<void> = Promise.resolve();
  paused: boolean;
  /** Pauses when the running job is done. */
  stopping = false;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.paused = readValue(options.db, PAUSED_KEY) === true;
  }

  get busy(): boolean {
    return this.#current !== null;
  }

  /** Starts the next job unless one runs or the queue is paused. */
  kick(): void {
    if (this.#current !== null || this.paused || this.#closed) return;
    const next = takeNext(this.#options.db, this.#loaded);
    if (next === undefined) {
      this.#options.onIdle();
      return;
    }
    const current: Current = { id: next.id, controller: new AbortController(), stopped: null };
    this.#current = current;
    this.#work = this.#run(next, current)
      .catch((error: unknown) => this.#stuck(error))
      .finally(() => {
        this.#current = null;
        if (this.stopping) this.#halt();
        this.kick();
      });
  }

  /** Holds over a restart. */
  pause(): void {
    this.#halt();
    this.#remember(true);
  }

  resume(): void {
    this.paused = false;
    this.stopping = false;
    this.#remember(false);
    this.#tellQueue();
    this.kick();
  }

  stopAfterThis(): void {
    if (this.#current === null) this.#halt();
    else this.stopping = true;
    // Whatever becomes of the running job: the next start finds the queue paused.
    this.#remember(true);
    this.#tellQueue();
  }

  #halt(): void {
    this.paused = true;
    this.stopping = false;
    this.#tellQueue();
  }

  /** Where not even this can be written the queue holds until the program ends. */
  #remember(paused: boolean): void {
    try {
      writeValue(this.#options.db, PAUSED_KEY, paused);
    } catch (error) {
      this.#tellProblem('error', failureOf(error));
    }
  }

  /** Stops a running job before its next step; asked again, ends the engine. False when this job is not the running one. */
  stop(id: number, how: 'cancel' | 'pause'): boolean {
    if (this.#current?.id !== id) return false;
    if (this.#current.stopped !== null) this.#options.engine.kill();
    this.#current.stopped = how;
    this.#current.controller.abort();
    return true;
  }

  /** What a job started now could take. */
  memoryNow(): MemoryNow {
    const { db, engine } = this.#options;
    return {
      available: availableMemory() + (privateBytes(engine.pid) ?? 0),
      wanted: readSettings(db).memory,
    };
  }

  get runningId(): number | null {
    return this.#current?.id ?? null;
  }

  /** Ends without starting another job; the running one is left `running` in the database, as at a power cut. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#current?.controller.abort();
    this.#options.engine.kill();
    await this.#work;
  }

  async #run(job: Job, current: Current): Promise<void> {
    const { db, engine, places, finish, now } = this.#options;
    this.#tell(applyEvent(db, job.id, 'start', now()));
    // Not `now`: the wall clock may be set while a job runs.
    const started = performance.now();
    const peak = watchPeak(() => engine.pid);
    // Whatever a request may bring about ends its own job, not the queue.
    try {
      const tracker = trackProgress(job.id, expectedSeconds(db, job.request), started);
      const way = chooseMemory(db, job.request, this.memoryNow());
      refuseImpossible(knownMemory(db), job.request, this.memoryNow(), totalMemory());
      const engineJob = toEngineJob(places, job.id, job.request);
      const recorded = { ...job, request: requestToRecord(places, job.request) };
      const result = await engine.run(engineJob, {
        onProgress: (progress) => this.#progress(tracker.update(progress, performance.now()), progress),
        signal: current.controller.signal,
        memory: way.mode,
      });
      this.#loaded = modelKey(job.request);
      const peakBytes = peak();
      const outcome = await finish(recorded, result);
      learn(db, job.request, measured(tracker.secondsPerStep(), started, outcome.steps), now());
      if (peakBytes !== undefined) learnPeak(db, job.request, way, peakBytes, now());
      this.#tell(applyEvent(db, job.id, 'finish', now(), outcome));
    } catch (error) {
      this.#failed(job, current, error);
    } finally {
      peak();
    }
  }

  #failed(job: Job, current: Current, error: unknown): void {
    if (this.#closed) return;
    const { db, now } = this.#options;
    const failure = failureOf(error);
    const died = failure.code === 'crashed' || failure.code === 'out-of-memory';
    if (died) this.#loaded = null;
    if (current.stopped !== null) {
      this.#tell(applyEvent(db, job.id, current.stopped, now()));
    } else if (died && readJob(db, job.id).crashes === 0) {
      this.#tell(applyEvent(db, job.id, 'crash', now(), { error: failure }));
      this.#tellProblem('warning', { ...failure, hint: 'It was started again, and the job with it.' });
    } else {
      this.#tell(applyEvent(db, job.id, 'fail', now(), { error: failure }));
    }
  }

  /** Not even the failure could be recorded (a full disk): waits, instead of failing every job after this one. */
  #stuck(error: unknown): void {
    if (this.#closed) return;
    this.#halt();
    this.#tellProblem('error', failureOf(error));
  }

  #tellProblem(level: Notice['level'], error: StudioErrorData): void {
    const { emit, now } = this.#options;
    emit({ type: 'notice', notice: { id: 0, level, time: now(), error } });
  }

  #progress(shown: JobProgress, progress: EngineProgress): void {
    const { emit, timeline } = this.#options;
    const { preview } = progress;
    if (progress.loss !== undefined) this.#recordLoss(shown);
    if (preview === undefined) {
      emit({ type: 'progress', progress: shown });
      return;
    }
    void previewUrl(preview).then((url) => {
      timeline.add(shown.jobId, { step: shown.step, steps: shown.steps, preview: url });
      if (this.#current?.id === shown.jobId) emit({ type: 'progress', progress: { ...shown, preview: url } });
    });
  }

  #recordLoss({ jobId, step, loss }: JobProgress): void {
    if (loss === null || !Number.isFinite(loss)) return;
    this.#options.db.run('INSERT OR REPLACE INTO training_losses VALUES (?, ?, ?)', jobId, step, loss);
  }

  #tell(job: Job): void {
    this.#options.emit({ type: 'job', job });
  }

  #tellQueue(): void {
    const { paused, stopping } = this;
    this.#options.emit({ type: 'queue', paused, stopping });
  }
}

/** @param started by `performance.now()`. */
function measured(perStep: number | undefined, started: number, steps: number) {
  const seconds = (performance.now() - started) / 1000;
  return {
    secondsPerStep: perStep ?? seconds / Math.max(1, steps),
    secondsAround: perStep === undefined ? 0 : Math.max(0, seconds - perStep * steps),
  };
}

/** The engine's own words, with a next step where it gave none. */
function failureOf(error: unknown): StudioErrorData {
  if (error instanceof EngineError) {
    const { code, message, hint = 'Change the settings, then try again.', details } = error.failure;
    return new StudioError(code, message, hint, details).toData();
  }
  return toStudioError(diskError(error, 'the data folder'));
}
