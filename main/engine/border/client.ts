/** The parent's side of the engine process: starts it, feeds it one job at a time, survives its death. */
import { EngineError, OUT_OF_MEMORY } from './failures.ts';
import type {
  DeviceName,
  EngineFailure,
  EngineJob,
  EngineProgress,
  EngineResult,
  EngineSettings,
  FromEngine,
  ToEngine,
} from './protocol.ts';

/** A running engine process, whatever carries it (child_process, Electron's utilityProcess). */
export interface EngineHandle {
  readonly pid: number | undefined;
  post(message: ToEngine): void;
  onMessage(listener: (message: FromEngine) => void): void;
  /** Called once, with a short reason ("exit code 134", "signal SIGKILL") and the end of its error output. */
  onExit(listener: (reason: string, stderrTail: string) => void): void;
  kill(): void;
}

/** Starts an engine process; it is ready for a job at once, messages wait for it. */
export type LaunchEngine = () => EngineHandle;

/** How one job is run. */
export interface RunOptions {
  readonly onProgress?: (progress: EngineProgress) => void;
  /** Aborting stops the job before its next step; `kill` stops it at once. */
  readonly signal?: AbortSignal;
  /** For this job alone, instead of the settings'. */
  readonly memory?: EngineSettings['memory'];
}

/** Told of a device that ran out of memory, and of the bytes it is not asked for again: to be kept, and given as `limits`. */
export type OnLimit = (device: DeviceName, bytes: number) => void;

interface Running {
  readonly id: number;
  readonly options: RunOptions;
  readonly resolve: (result: EngineResult) => void;
  readonly reject: (error: Error) => void;
}

/** One engine process at a time, started when a job wants it; jobs wait for each other. */
export class EngineClient {
  readonly #launch: LaunchEngine;
  #settings: EngineSettings;
  #handle: EngineHandle | undefined;
  /** Whether the process trains; see #leave. */
  #trains = false;
  #running: Running | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #nextId = 1;
  readonly #onLimit: OnLimit;
  /** What the engine computes on, and what it wants of that device's memory, as far as it said. */
  #using: { readonly device: DeviceName; readonly bytes?: number | undefined } = { device: 'cpu' };
  /** Devices on which an engine died. */
  readonly #avoid = new Set<DeviceName>();
  #killed = false;

  /** Starts nothing: the process is launched by the first job. */
  constructor(launch: LaunchEngine, settings: EngineSettings, onLimit: OnLimit = () => undefined) {
    this.#launch = launch;
    this.#settings = settings;
    this.#onLimit = onLimit;
  }

  /** The process while there is one. */
  get pid(): number | undefined {
    return this.#handle?.pid;
  }

  /** Applies from the next job on. */
  configure(settings: Partial<EngineSettings>): void {
    this.#settings = { ...this.#settings, ...settings };
  }

  /**
   * Runs a job after those before it. Rejects with an EngineError: what was wrong with the input, that it was
   * cancelled, or that the process died; after a death the next job gets a new process.
   */
  run(job: EngineJob, options: RunOptions = {}): Promise<EngineResult> {
    const result = this.#queue.then(() => this.#withoutLoss(job, options));
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /** Ends the process at once; the running job fails as cancelled. */
  kill(): void {
    this.#killed = true;
    this.#handle?.kill();
  }

  /** Ends the process and waits for the last job to be settled. */
  async dispose(): Promise<void> {
    this.kill();
    await this.#queue;
  }

  /**
   * A job that fails because of the device is done once more: with less of its memory where that ran out, else on the CPU.
   * Its result says so.
   */
  async #withoutLoss(job: EngineJob, options: RunOptions, tries = SMALLER_PLANS): Promise<EngineResult> {
    this.#using = { device: 'cpu' };
    try {
      return await this.#start(job, options);
    } catch (error) {
      const { device, bytes } = this.#using;
      const blamed = error instanceof EngineError && DEVICE_FAILURES.has(error.failure.code);
      if (!blamed || device === 'cpu' || options.signal?.aborted) throw error;
      if (error.failure.code === 'out-of-memory' && bytes !== undefined && tries > 0) {
        await this.#learnLimit(device, bytes * LIMIT_SHARE);
        return this.#withoutLoss(job, options, tries - 1);
      }
      if (error.failure.code === 'crashed') this.#avoid.add(device);
      const result = await this.#start(job, options, 'cpu');
      return withNote(result, `${device} failed, so this was done on the CPU: ${error.failure.message}`);
    }
  }

  /** The engine then plans for less, and begins with a device that holds nothing. */
  async #learnLimit(device: DeviceName, bytes: number): Promise<void> {
    this.#settings = { ...this.#settings, limits: { ...this.#settings.limits, [device]: bytes } };
    this.#onLimit(device, bytes);
    if (this.#handle) await this.#leave(this.#handle);
  }

  async #start(
    job: EngineJob,
    options: RunOptions,
    device: EngineSettings['device'] = this.#settings.device,
  ): Promise<EngineResult> {
    const trains = job.kind === 'train-lora';
    this.#killed = false;
    if (this.#handle && trains !== this.#trains) await this.#leave(this.#handle);
    if (this.#killed || options.signal?.aborted) throw cancelled();
    this.#trains = trains;
    this.#handle ??= this.#open();
    const handle = this.#handle;
    const id = this.#nextId++;
    return new Promise<EngineResult>((resolve, reject) => {
      this.#running = { id, options, resolve, reject };
      const cancel = (): void => handle.post({ type: 'cancel', id });
      options.signal?.addEventListener('abort', cancel, { once: true });
      const { memory = this.#settings.memory } = options;
      const settings = { ...this.#settings, memory, device, avoid: [...this.#avoid] };
      handle.post({ type: 'run', id, job, settings });
    });
  }

  /**
   * Ends an idle process. Training and painting never share one: an allocator keeps much of what is freed
   * (measured: 1.2 GiB of a painted SD 1.5), the system gets all of a process back.
   */
  async #leave(handle: EngineHandle): Promise<void> {
    const ended = new Promise<void>((resolve) => handle.onExit(() => resolve()));
    this.#handle = undefined;
    handle.kill();
    await ended;
  }

  #open(): EngineHandle {
    const handle = this.#launch();
    handle.onMessage((message) => this.#receive(message));
    handle.onExit((reason, stderrTail) => {
      if (this.#handle !== handle) return;
      this.#handle = undefined;
      this.#settle((running) => running.reject(this.#killed ? cancelled() : crashed(reason, stderrTail)));
    });
    return handle;
  }

  #receive(message: FromEngine): void {
    if (message.type === 'ready') return;
    if (message.type === 'using') {
      const { device, bytes = device === this.#using.device ? this.#using.bytes : undefined } = message;
      this.#using = { device, bytes };
      return;
    }
    if (!this.#running || message.id !== this.#running.id) return;
    switch (message.type) {
      case 'progress':
        this.#running.options.onProgress?.(message.progress);
        return;
      case 'done':
        this.#settle((running) => running.resolve(message.result));
        return;
      case 'failed':
        this.#settle((running) => running.reject(new EngineError(message.failure)));
    }
  }

  #settle(how: (running: Running) => void): void {
    const running = this.#running;
    this.#running = undefined;
    if (running) how(running);
  }
}

/** Of what a device was asked for when it ran out of memory. */
const LIMIT_SHARE = 0.9;
/** How often a job is tried with less of a device's memory. */
const SMALLER_PLANS = 4;

/** Failures that another device may not have. */
const DEVICE_FAILURES: ReadonlySet<EngineFailure['code']> = new Set(['crashed', 'out-of-memory', 'internal']);

function withNote(result: EngineResult, note: string): EngineResult {
  return 'notes' in result ? { ...result, notes: [...result.notes, note] } : result;
}

function cancelled(): EngineError {
  return new EngineError({ code: 'cancelled', message: 'Stopped.' });
}

function crashed(reason: string, details: string): EngineError {
  const outOfMemory = reason.includes('SIGKILL') || OUT_OF_MEMORY.test(details);
  return new EngineError({
    code: outOfMemory ? 'out-of-memory' : 'crashed',
    message: outOfMemory
      ? `The engine was ended by the system (${reason}), most likely for lack of memory.`
      : `The engine stopped unexpectedly (${reason}).`,
    hint: 'The queue and your pictures are safe. Try again, with a smaller size or memory mode "low".',
    details,
  });
}
