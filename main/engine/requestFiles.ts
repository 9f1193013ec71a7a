/** The files that a request names. The parent has filled in their paths; one that is missing is named in the error. */
import type { GenerationRequest, ModelRef } from '../../preload/request.ts';
import { badInput } from './failures.ts';
import type { LoraChoice } from './loras.ts';

/** `what` says what the file is for: "checkpoint", "LoRA" … */
export function fileOf({ name, path }: ModelRef, what: string): string {
  if (path) return path;
  throw badInput(`The ${what} "${name}" is not in the library.`, 'Choose another or add its file.');
}

export function loraChoices({ loras }: GenerationRequest): LoraChoice[] {
  return loras.map(({ model, unetWeight, textWeight }) => ({
    path: fileOf(model, 'LoRA'),
    unetWeight,
    textWeight,
  }));
}
