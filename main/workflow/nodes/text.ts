/** Prompts → conditioning. */
import { z } from 'zod';
import { readEmbeddings } from '../../engine/jobs/embeddingFiles.ts';
import { type EncodeOptions, encodePrompt } from '../../pipeline/text/encode.ts';
import { promptStages } from '../../pipeline/text/prompt/stages.ts';
import { type NodeContext, node } from '../parts/node.ts';
import {
  type ClipValue,
  type ConditioningStage,
  type ConditioningValue,
  integer,
  socket,
  textSchema,
} from '../parts/sockets.ts';

export const TEXT = {
  CLIPSetLastLayer: node({
    inputs: { clip: socket('CLIP'), stop_at_clip_layer: integer(-24, -1) },
    outputs: ['CLIP'],
    run: ({ clip, stop_at_clip_layer }) => [{ ...clip, clipSkip: -stop_at_clip_layer }],
  }),
  CLIPTextEncode: node({
    inputs: {
      clip: socket('CLIP'),
      text: textSchema,
      /** Files of textual inversions, put in by the runner; a graph's own are overwritten. */
      embeddings: z.array(z.object({ name: z.string(), path: z.string() })),
      emulsion: z.object({
        emphasis: z.enum(['comfy', 'a1111']).default('comfy'),
        embeddings: z.array(z.string()).default([]),
      }),
    },
    outputs: ['CONDITIONING'],
    run: async ({ clip, text, embeddings, emulsion: { emphasis } }, context) => {
      const encode = (prompt: string, from: NodeContext) =>
        encodeWith(from, clip, prompt, { emphasis, embeddings: readEmbeddings({ embeddings }) });
      if (emphasis === 'a1111') {
        // The value may be used in a later run: it encodes with what that run has.
        const stages: ConditioningValue['stages'] = (steps, later) =>
          editedStages(text, steps, (prompt) => encode(prompt, later));
        return [{ stages, controls: [] }];
      }
      const stages = [{ endStep: Infinity, encoding: await encode(text, context) }];
      return [{ stages: () => stages, controls: [] }];
    },
  }),
};

type Encode = (prompt: string) => Promise<ConditioningStage['encoding']>;

async function encodeWith(
  { models, progress, note }: NodeContext,
  clip: ClipValue,
  prompt: string,
  how: Pick<EncodeOptions, 'emphasis' | 'embeddings'>,
): ReturnType<Encode> {
  const { networks } = await models.checkpoint(clip);
  progress.begin('encode text');
  const encoding = await encodePrompt(networks.textModels, prompt, { ...how, clipSkip: clip.clipSkip });
  for (const problem of encoding.problems) note(problem);
  return encoding;
}

/** A1111's "[from:to:when]"; texts that return are encoded once. */
async function editedStages(text: string, steps: number, encode: Encode): Promise<ConditioningStage[]> {
  const encodings = new Map<string, Awaited<ReturnType<Encode>>>();
  const stages: ConditioningStage[] = [];
  for (const { endStep, prompt } of promptStages(text, steps)) {
    const encoding = encodings.get(prompt) ?? (await encode(prompt));
    encodings.set(prompt, encoding);
    stages.push({ endStep, encoding });
  }
  return stages;
}
