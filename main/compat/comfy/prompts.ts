/** Queued graphs and what their output nodes show once the job is done. */
import { z } from 'zod';
import type { Job } from '../../../preload/jobs.ts';

/** A graph that was queued here; forgotten when the program ends, as ComfyUI forgets. */
export interface Prompt {
  readonly id: string;
  readonly number: number;
  readonly jobId: number;
  readonly clientId: string | null;
  readonly graph: Readonly<Record<string, unknown>>;
  readonly extra: unknown;
  readonly outputs: readonly string[];
}

/** Pictures by output node; the picture's id stands in its name. */
export function outputsOf(
  prompt: Prompt,
  job: Job,
): Record<string, { images: { filename: string; subfolder: string; type: string }[] }> {
  return Object.fromEntries(
    prompt.outputs.map((node) => {
      const prefix =
        z.object({ inputs: z.object({ filename_prefix: z.string() }) }).safeParse(prompt.graph[node]).data
          ?.inputs.filename_prefix ?? 'ComfyUI';
      const stem = prefix.split(/[\\/]/).at(-1) || 'ComfyUI';
      const images = job.pictures.map((id) => ({
        filename: `${stem}_${String(id).padStart(5, '0')}_.png`,
        subfolder: '',
        type: 'output',
      }));
      return [node, { images }];
    }),
  );
}
