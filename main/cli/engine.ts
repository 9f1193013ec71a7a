/** One engine for one command: started, interrupted by Ctrl-C (twice = at once), ended. */
import { settingsSchema } from '../../preload/settings.ts';
import { EngineClient } from '../engine/border/client.ts';
import { badInput } from '../engine/border/failures.ts';
import { launchEngine } from '../engine/border/launch.ts';
import type { EngineJob, EngineResult, EngineSettings } from '../engine/border/protocol.ts';
import { CACHE_FOLDER } from './cacheFolder.ts';
import { progressBar } from './progressBar.ts';

export const DEFAULT_SETTINGS: EngineSettings = {
  memory: 'auto',
  device: 'auto',
  cacheDir: CACHE_FOLDER,
  threads: 0,
  previews: false,
};

export type RunJob = (job: EngineJob) => Promise<EngineResult>;

/** Runs one job with a progress bar. Rejects with an EngineError. */
export function runOnce(job: EngineJob, settings: Partial<EngineSettings> = {}): Promise<EngineResult> {
  return withEngine(settings, (run) => run(job));
}

/** One engine for several jobs, each with a progress bar; ended when `use` is. */
export async function withEngine<T>(
  settings: Partial<EngineSettings>,
  use: (run: RunJob) => Promise<T>,
): Promise<T> {
  const all = { ...DEFAULT_SETTINGS, ...settings };
  if (!settingsSchema.shape.threads.safeParse(all.threads).success)
    throw badInput('--threads is no whole number from 0 to 256.', '0 = one per core.');
  const client = new EngineClient(() => launchEngine(), all);
  const stop = new AbortController();
  const bar = progressBar();
  const interrupt = (): void => (stop.signal.aborted ? client.kill() : stop.abort());
  process.on('SIGINT', interrupt);
  try {
    return await use((job) =>
      client.run(job, { onProgress: (progress) => bar.show(progress), signal: stop.signal }),
    );
  } finally {
    bar.stop();
    process.off('SIGINT', interrupt);
    await client.dispose();
  }
}
