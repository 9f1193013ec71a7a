/** The engine's work: a job from its message to its result. Holds models between jobs. */
import { toFailure } from './failures.ts';
import type { EngineHost } from './host.ts';
import { createHost, runJob } from './jobs.ts';
import type { EngineProgress, FromEngine, ToEngine } from './protocol.ts';

let host: EngineHost | undefined;

/** Runs one job; how it ended is what is to be told last. Never rejects. */
export async function work(
  { id, job, settings }: Extract<ToEngine, { type: 'run' }>,
  send: (message: FromEngine) => void,
  signal: AbortSignal,
): Promise<FromEngine> {
  host ??= createHost((device, bytes) => send({ type: 'using', device, bytes }));
  try {
    const onProgress = (progress: EngineProgress): void => send({ type: 'progress', id, progress });
    const result = await runJob(host, job, { settings, onProgress, signal });
    return { type: 'done', id, result };
  } catch (error) {
    return { type: 'failed', id, failure: toFailure(error) };
  }
}
