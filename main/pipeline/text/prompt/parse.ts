/** A prompt as typed → weighted text, by the rules the request names. */
import { parseA1111Prompt } from './a1111.ts';
import { parseComfyPrompt } from './comfy.ts';
import type { Emphasis, WeightedText } from './weightedText.ts';

/** The texts of a prompt with their weights, by ComfyUI's or A1111's rules. Never throws: what is no emphasis is text. */
export function parsePrompt(prompt: string, emphasis: Emphasis): WeightedText[] {
  return emphasis === 'comfy' ? parseComfyPrompt(prompt) : parseA1111Prompt(prompt);
}
