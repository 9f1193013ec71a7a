/** The engine process: messages in, one job at a time, progress and results out. Holds models between jobs. */
import { toFailure } from './failures.ts';
import { createHost, runJob } from './jobs.ts';
import type { FromEngine, ToEngine } from './protocol.ts';

/** Electron gives a utility process `parentPort`; a forked Node process has `process.send`. */
interface ParentPort {
  on(event: 'message', listener: (event: { data: unknown }) => void): void;
  postMessage(message: unknown): void;
}
const { parentPort } = process as unknown as { parentPort?: ParentPort };

const host = createHost((device) => send({ type: 'using', device }));
const running = new Map<number, AbortController>();

function send(message: FromEngine): void {
  if (parentPort) parentPort.postMessage(message);
  else process.send?.(message);
}

async function run({ id, job, settings }: Extract<ToEngine, { type: 'run' }>): Promise<void> {
  const controller = new AbortController();
  running.set(id, controller);
  try {
    const onProgress = (progress: Extract<FromEngine, { type: 'progress' }>['progress']): void =>
      send({ type: 'progress', id, progress });
    const result = await runJob(host, job, { settings, onProgress, signal: controller.signal });
    send({ type: 'done', id, result });
  } catch (error) {
    send({ type: 'failed', id, failure: toFailure(error) });
  } finally {
    running.delete(id);
  }
}

function receive(message: ToEngine): void {
  if (message.type === 'run') void run(message);
  else running.get(message.id)?.abort();
}

if (parentPort) parentPort.on('message', (event) => receive(event.data as ToEngine));
else {
  process.on('message', (message) => receive(message as ToEngine));
  // The parent is gone: nobody waits for the picture.
  process.on('disconnect', () => process.exit(0));
}
send({ type: 'ready' });
