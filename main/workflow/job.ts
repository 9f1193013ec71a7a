/** The job "workflow": a ComfyUI graph run in the engine; what did not change since the last one is not run again. */

import type { EngineJob, EngineResult } from '../engine/border/protocol.ts';
import type { JobContext } from '../engine/jobs/context.ts';
import { progressReporter } from '../engine/jobs/progress.ts';
import type { EngineHost } from '../engine/loading/host.ts';
import { createWorkflowCache, type WorkflowCache } from './cache.ts';
import { runWorkflow } from './execute.ts';
import { parseWorkflow } from './graph.ts';
import { workflowModels } from './parts/models.ts';
import { speedOf } from './speed.ts';

/** Results live as long as the engine they were made with. */
const caches = new WeakMap<EngineHost, WorkflowCache>();

/** Throws EngineError that names the node at fault. */
export async function runWorkflowJob(
  host: EngineHost,
  { graph, files }: Extract<EngineJob, { kind: 'workflow' }>,
  { settings, signal, onProgress }: JobContext,
): Promise<EngineResult> {
  const notes = new Set<string>();
  const note = (text: string): void => void notes.add(text);
  const progress = progressReporter(onProgress);
  progress.begin('load');
  const onPack = (done: number, total: number): void =>
    done === 0 ? progress.begin('load', total) : progress.advance();
  const speed = speedOf(parseWorkflow(graph));
  const models = workflowModels({ host, settings, speed, signal, onPack, note });
  const cache = caches.get(host) ?? createWorkflowCache();
  caches.set(host, cache);
  try {
    const context = { models, progress, signal, previews: settings.previews, note };
    const { pictures, ran, cached } = await runWorkflow(graph, files, cache, context);
    const images = pictures.map(({ picture, ...rest }) => ({ ...rest, image: picture }));
    return { kind: 'workflow', images, ran, cached, notes: [...notes], timings: progress.timings() };
  } finally {
    await models.release();
  }
}
