/** Prompts → conditioning. */
import { z } from 'zod';
import { encodePrompt } from '../../pipeline/text/encode.ts';
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
      emulsion: z.object({ emphasis: z.enum(['comfy', 'a1111']).default('comfy') }),
    },
    outputs: ['CONDITIONING'],
    run: async ({ clip, text, emulsion: { emphasis } }, context) => {
      const encode = (prompt: string, from: NodeContext) => encodeWith(from, clip, prompt, emphasis);
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
  emphasis: 'comfy' | 'a1111',
): ReturnType<Encode> {
  const { networks } = await models.checkpoint(clip);
  progress.begin('encode text');
  const options = { emphasis, clipSkip: clip.clipSkip, embeddings: [] };
  const encoding = await encodePrompt(networks.textModels, prompt, options);
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
