/** Which function runs which kind of job. */
import { trainLoraJob } from '../training/lora/job.ts';
import { runWorkflowJob } from '../workflow/job.ts';
import { probeDevices } from './devices/ladder.ts';
import { embed } from './embedJob.ts';
import { generate } from './generateJob.ts';
import { makeHint } from './hints.ts';
import { createHost, type EngineHost } from './host.ts';
import type { EngineJob, EngineProgress, EngineResult, EngineSettings } from './protocol.ts';
import { upscale } from './upscaleJob.ts';

export { createHost };

export interface JobContext {
  readonly settings: EngineSettings;
  readonly onProgress: (progress: EngineProgress) => void;
  readonly signal: AbortSignal;
}

async function listDevices({ onDevice }: EngineHost, { settings }: JobContext): Promise<EngineResult> {
  const { devices, chosen } = await probeDevices({ avoid: settings.avoid, onDevice });
  return { kind: 'devices', devices, chosen: chosen.name };
}

/** Runs one job to its end. Throws what toFailure (failures.ts) can explain. */
export function runJob(host: EngineHost, job: EngineJob, context: JobContext): Promise<EngineResult> {
  switch (job.kind) {
    case 'generate':
      return generate(host, job.request, context);
    case 'embed':
      return embed(host, job, context);
    case 'workflow':
      return runWorkflowJob(host, job, context);
    case 'upscale':
      return upscale(host, job.request, context);
    case 'train-lora':
      return trainLoraJob(host, job.request, context);
    case 'hint':
      return makeHint(job, context);
    case 'devices':
      return listDevices(host, context);
  }
}
