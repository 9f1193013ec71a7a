/** Both prompts of a request, over all steps → what the denoiser is told. */
import { type EncodeOptions, encodePrompt, type PromptEncoding } from './encode.ts';
import { promptStages } from './prompt/stages.ts';
import type { TextModel } from './textModel.ts';

/** What one stretch of steps is conditioned on, up to and including `endStep` (1-based). */
export interface ConditioningStage {
  readonly endStep: number;
  readonly positive: PromptEncoding;
  readonly negative: PromptEncoding;
}

export interface PromptPair {
  readonly prompt: string;
  readonly negativePrompt: string;
}

/**
 * Encodes the prompts of all steps; without prompt editing that is one stage. Texts that return (as in "[a|b]") are
 * encoded once. Prompt editing belongs to A1111's rules; by ComfyUI's rules brackets are text.
 */
export async function encodeConditioning(
  models: readonly TextModel[],
  { prompt, negativePrompt }: PromptPair,
  steps: number,
  options: EncodeOptions,
): Promise<ConditioningStage[]> {
  const stagesOf = (text: string): ReturnType<typeof promptStages> =>
    options.emphasis === 'a1111'
      ? promptStages(text, steps)
      : [{ endStep: Math.max(1, steps), prompt: text }];
  const positives = stagesOf(prompt);
  const negatives = stagesOf(negativePrompt);
  const encodings = new Map<string, Promise<PromptEncoding>>();
  const encoded = (text: string): Promise<PromptEncoding> => {
    const encoding = encodings.get(text) ?? encodePrompt(models, text, options);
    encodings.set(text, encoding);
    return encoding;
  };
  const endSteps = [...new Set([...positives, ...negatives].map(({ endStep }) => endStep))].sort(
    (a, b) => a - b,
  );
  const result: ConditioningStage[] = [];
  for (const endStep of endSteps) {
    const positive = await encoded(positives.find((stage) => endStep <= stage.endStep)!.prompt);
    const negative = await encoded(negatives.find((stage) => endStep <= stage.endStep)!.prompt);
    result.push({ endStep, positive, negative });
  }
  return result;
}
