/** Runs requests and workflows on one engine host, in this process. */

import type {
  EngineJob,
  EngineProgress,
  EngineResult,
  EngineSettings,
} from '../../main/engine/border/protocol.ts';
import type { JobContext } from '../../main/engine/jobs/context.ts';
import { generate } from '../../main/engine/jobs/generate.ts';
import { createHost, type EngineHost } from '../../main/engine/loading/host.ts';
import { runWorkflowJob } from '../../main/workflow/job.ts';
import type { GenerationRequest } from '../../preload/request.ts';
import { PLAIN_SETTINGS } from './engineSettings.ts';
import { TINY_CHECKPOINT } from './tinyModel.ts';

export type Files = Extract<EngineJob, { kind: 'workflow' }>['files'];
export type PaintedResult = Extract<EngineResult, { kind: 'images' }>;
export type WorkflowResult = Extract<EngineResult, { kind: 'workflow' }>;

export interface Bench {
  readonly host: EngineHost;
  generate(request: GenerationRequest): Promise<PaintedResult>;
  run(graph: unknown, files?: Files, options?: Partial<JobContext>): Promise<WorkflowResult>;
}

export const TINY_FILES: Files = { checkpoints: { 'sd1-tiny.safetensors': TINY_CHECKPOINT } };

export function bench(settings: Partial<EngineSettings> = {}): Bench {
  const host = createHost();
  const context: JobContext = {
    settings: { ...PLAIN_SETTINGS, ...settings },
    signal: new AbortController().signal,
    onProgress: () => undefined,
  };
  return {
    host,
    generate: async (request) => {
      const result = await generate(host, request, context);
      if (result.kind !== 'images') throw new Error('no pictures');
      return result;
    },
    run: async (graph, files = TINY_FILES, options = {}) => {
      const job = { kind: 'workflow', graph, files } as const;
      const result = await runWorkflowJob(host, job, { ...context, ...options });
      if (result.kind !== 'workflow') throw new Error('no pictures');
      return result;
    },
  };
}

/** Collects what a job reports. */
export function recorder(): {
  readonly seen: EngineProgress[];
  readonly onProgress: JobContext['onProgress'];
} {
  const seen: EngineProgress[] = [];
  return { seen, onProgress: (progress) => void seen.push(progress) };
}
