/** LoRA tags as part of a request: what prompts name joins the request's own LoRAs, and the prompts are free of tags. */
import type { GenerationRequest } from '../../../../preload/request.ts';
import { extractLoraTags } from './loraTags.ts';

/**
 * The request with the tags of its prompt moved into `loras` (by name, without a path: see whoever resolves models).
 * Tags in the negative prompt are cut out; a LoRA acts on the whole picture, so they mean nothing there.
 */
export function withTaggedLoras<T extends GenerationRequest>(request: T): T {
  const positive = extractLoraTags(request.prompt);
  const negative = extractLoraTags(request.negativePrompt);
  const tagged = positive.loras.map(({ name, textWeight, unetWeight }) => ({
    model: { name },
    textWeight,
    unetWeight,
  }));
  return {
    ...request,
    prompt: positive.prompt,
    negativePrompt: negative.prompt,
    loras: [...request.loras, ...tagged],
  };
}
