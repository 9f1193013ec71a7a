/** Which function runs which kind of job. What painting does not need is loaded when it is asked for. */

import type { EngineJob, EngineResult } from '../border/protocol.ts';
import { probeDevices } from '../devices/ladder.ts';
import type { EngineHost } from '../loading/host.ts';
import type { JobContext } from './context.ts';
import { generate } from './generate.ts';
import { makeHint } from './hint.ts';

async function listDevices({ onDevice }: EngineHost, { settings }: JobContext): Promise<EngineResult> {
  const { devices, chosen } = await probeDevices({ avoid: settings.avoid, onDevice });
  return { kind: 'devices', devices, chosen: chosen.name };
}

/** Runs one job to its end. Throws what toFailure (border/failures.ts) can explain. */
export async function runJob(host: EngineHost, job: EngineJob, context: JobContext): Promise<EngineResult> {
  switch (job.kind) {
    case 'generate':
      return generate(host, job.request, context);
    case 'embed':
      return (await import('./embed.ts')).embed(host, job, context);
    case 'workflow':
      return (await import('../../workflow/job.ts')).runWorkflowJob(host, job, context);
    case 'upscale':
      return (await import('./upscale.ts')).upscale(host, job.request, context);
    case 'train-lora':
      return (await import('../../training/lora/job.ts')).trainLoraJob(host, job.request, context);
    case 'hint':
      return makeHint(job, context);
    case 'devices':
      return listDevices(host, context);
  }
}
