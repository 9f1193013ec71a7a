/** The engine's work: a job from its message to its result. Holds models between jobs. */
import { toFailure } from './border/failures.ts';
import type { EngineProgress, FromEngine, ToEngine } from './border/protocol.ts';
import { runJob } from './jobs/jobs.ts';
import { createHost, type EngineHost } from './loading/host.ts';

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
