/**
 * The engine process: messages in, one job at a time, progress and results out. What jobs need is loaded with the first of
 * them, which says where compiled code is kept.
 */
import { enableCompileCache, flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { FromEngine, ToEngine } from './border/protocol.ts';

type Run = Extract<ToEngine, { type: 'run' }>;
type Work = typeof import('./work.ts');

/** Electron gives a utility process `parentPort`; a forked Node process has `process.send`. */
interface ParentPort {
  on(event: 'message', listener: (event: { data: unknown }) => void): void;
  postMessage(message: unknown): void;
}
const { parentPort } = process as unknown as { parentPort?: ParentPort };

const running = new Map<number, AbortController>();
let work: Promise<Work> | undefined;

function send(message: FromEngine): void {
  if (parentPort) parentPort.postMessage(message);
  else process.send?.(message);
}

/** Compiling the sources takes half a second of a cold start; a folder that cannot be written to costs only that. */
function loadWork(cacheDir: string): Promise<Work> {
  enableCompileCache(join(cacheDir, 'code'));
  return import('./work.ts');
}

async function run(message: Run): Promise<void> {
  const controller = new AbortController();
  running.set(message.id, controller);
  work ??= loadWork(message.settings.cacheDir);
  const ending = await (await work).work(message, send, controller.signal);
  running.delete(message.id);
  // Written before the parent is told: it may end this process at once, by a signal.
  flushCompileCache();
  send(ending);
}

function receive(message: ToEngine): void {
  if (message.type === 'run') void run(message);
  else running.get(message.id)?.abort();
}

/** While a network runs, this thread does not hear that its parent is gone, for minutes at large sizes: another one looks. */
function endWithParent(): void {
  const look = `
    const parent = process.ppid;
    const isThere = () => {
      try { return process.ppid === parent && process.kill(parent, 0); } catch { return false; }
    };
    setInterval(() => isThere() || process.kill(process.pid, 'SIGKILL'), 1000);`;
  new Worker(look, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 16 } }).unref();
}

if (parentPort) parentPort.on('message', (event) => receive(event.data as ToEngine));
else {
  process.on('message', (message) => receive(message as ToEngine));
  // A terminal's Ctrl-C reaches every process of the command; the parent says what it means for the job.
  process.on('SIGINT', () => undefined);
  // The parent is gone: nobody waits for the picture.
  process.on('disconnect', () => process.exit(0));
  endWithParent();
}
send({ type: 'ready' });
