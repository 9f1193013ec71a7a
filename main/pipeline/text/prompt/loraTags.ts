/**
 * LoRA tags in prompts, as A1111 writes them: <lora:name>, <lora:name:weight>, <lora:name:text:unet> and the named
 * forms te= and unet=. A LoRA named here is used like one of the request's `loras`.
 */
import { parseNumber } from './weightedText.ts';

export interface LoraTag {
  /** File name without folder and extension, as written. */
  readonly name: string;
  readonly textWeight: number;
  readonly unetWeight: number;
}

export interface PromptWithoutTags {
  /** The prompt with its tags cut out and nothing else changed. */
  readonly prompt: string;
  readonly loras: readonly LoraTag[];
  /** One sentence per tag that could not be used. */
  readonly problems: readonly string[];
}

/** <lyco:…> is the old name for LyCORIS files, read alike. */
const TAG = /<(?:lora|lyco):([^<>]+)>/g;

/** Cuts the LoRA tags out of `prompt`. A tag with a weight that is no number is cut out and reported; never throws. */
export function extractLoraTags(prompt: string): PromptWithoutTags {
  const loras: LoraTag[] = [];
  const problems: string[] = [];
  const rest = prompt.replace(TAG, (tag: string, body: string) => {
    const lora = readTag(body);
    if (lora) loras.push(lora);
    else problems.push(`${tag} was left out: its weight is not a number; write <lora:name:0.8>`);
    return '';
  });
  return { prompt: rest, loras, problems };
}

/** Positional arguments come first, named ones win; the U-Net's weight follows the text encoder's (A1111). */
function readTag(body: string): LoraTag | undefined {
  const fields = body.split(':');
  const named = new Map(fields.filter((field) => field.includes('=')).map(splitNamed));
  const [name = '', text = '1', unet] = fields.filter((field) => !field.includes('='));
  const textWeight = parseNumber(named.get('te') ?? text);
  const unetWeight = parseNumber(named.get('unet') ?? unet ?? named.get('te') ?? text);
  if (name === '' || textWeight === undefined || unetWeight === undefined) return undefined;
  return { name, textWeight, unetWeight };
}

function splitNamed(field: string): [string, string] {
  const equals = field.indexOf('=');
  return [field.slice(0, equals).trim(), field.slice(equals + 1)];
}
