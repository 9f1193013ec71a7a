/** The files that a request names. The parent has filled in their paths; one that is missing is named in the error. */
import type { GenerationRequest, ImageRef, ModelRef } from '../../../preload/request.ts';
import { decodePixels } from '../../images/codec.ts';
import type { Pixels } from '../../images/pixels.ts';
import { badInput } from '../border/failures.ts';
import type { LoraChoice } from '../conditions/loras.ts';

/** `what` says what the file is for: "checkpoint", "LoRA" … */
export function fileOf({ name, path }: ModelRef, what: string): string {
  if (path) return path;
  throw badInput(`The ${what} "${name}" is not in the library.`, 'Choose another or add its file.');
}

/** The pixels of a picture that a request names in its field `field`. */
export async function readPicture({ path }: ImageRef, field: string): Promise<Pixels> {
  if (!path) throw badInput(`${field}: the picture is not on this machine.`, 'Choose the picture again.');
  return decodePixels(path);
}

/** The LoRAs of a request by their files. */
export function loraChoices({ loras }: GenerationRequest): LoraChoice[] {
  return loras.map(({ model, unetWeight, textWeight }) => ({
    path: fileOf(model, 'LoRA'),
    unetWeight,
    textWeight,
  }));
}
