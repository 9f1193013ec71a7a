/** What a picture's metadata gives back: as much of a request as it holds, checked field by field, and a list of the rest. */
import type { PartialRequest } from '../../../preload/history.ts';
import {
  type GenerationRequest,
  generationRequestSchema,
  type InpaintRequest,
  inpaintSchema,
} from '../../../preload/request.ts';

export type MetadataSource = 'emulsion' | 'a1111' | 'comfyui' | 'invokeai' | 'fooocus' | 'novelai' | 'sdcpp';

type Field = Exclude<keyof InpaintRequest, 'kind'>;

/** A model the picture was made with, by whatever the file says about it; the library finds it by hash, then by name. */
export interface ModelHint {
  readonly role: 'checkpoint' | 'vae' | 'lora' | 'embedding' | 'control' | 'upscaler';
  readonly name?: string;
  readonly hash?: ModelHash;
}

/** Lower-case hex: the whole digest or its beginning (AutoV1: 8 digits, AutoV2: 10, AutoV3: 12). */
export interface ModelHash {
  readonly kind: 'autov1' | 'sha256' | 'autov3' | 'blake3';
  readonly value: string;
}

export interface Recall {
  readonly source: MetadataSource;
  readonly request: PartialRequest;
  /** Position in the batch the picture came from. */
  readonly batchIndex?: number;
  readonly models: readonly ModelHint[];
  /** Fields a request needs and the metadata lacks, as `checkpoint`, `initImage`, …; empty = the request is complete. */
  readonly missing: readonly string[];
  /** Settings that have no counterpart here or could not be read, one sentence each. */
  readonly problems: readonly string[];
}

/** Collects a Recall from values of unknown soundness. */
export interface Collector {
  readonly request: PartialRequest;
  /** Takes `value` if the request allows it, else notes why not. Undefined is passed over. */
  readonly take: (field: Field, value: unknown) => void;
  readonly model: (hint: ModelHint) => void;
  readonly problem: (sentence: string) => void;
  readonly finish: (source: MetadataSource, kind: GenerationRequest['kind']) => Recall;
}

/** Each is looked for in the library, and each problem shown: a file must not choose their number. Requests hold fewer. */
const MAX_MODELS = 512;
const MAX_PROBLEMS = 100;

/** An empty collection. */
export function collector(): Collector {
  const request: PartialRequest = {};
  const models: ModelHint[] = [];
  const problems: string[] = [];
  const problem = (sentence: string) => {
    if (problems.length < MAX_PROBLEMS) problems.push(sentence);
  };
  return {
    request,
    problem,
    take: (field, value) => {
      if (value === undefined || value === null) return;
      const parsed = inpaintSchema.shape[field].safeParse(value);
      if (parsed.success) Object.assign(request, { [field]: parsed.data });
      else
        problem(
          `${field} ${shown(value)} cannot be used here: ${parsed.error.issues[0]?.message ?? 'it is out of range'}`,
        );
    },
    model: (hint) => {
      if (models.length < MAX_MODELS) models.push(hint);
    },
    finish: (source, kind) => {
      request.kind = kind;
      return { source, request, models, missing: missingFields(request), problems };
    },
  };
}

/** Names of the fields without which `request` is not complete. */
export function missingFields(request: PartialRequest): string[] {
  const parsed = generationRequestSchema.safeParse(request);
  if (parsed.success) return [];
  return [...new Set(parsed.error.issues.map(({ path }) => String(path[0] ?? 'kind')))];
}

/** A finite number from a number or a text that is one; undefined otherwise. */
export function numberFrom(value: unknown): number | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

/** A seed as a decimal string from an integer in any notation; negative ones (random) and fractions are none. */
export function seedFrom(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? String(value) : undefined;
  if (typeof value === 'bigint') return value >= 0n ? String(value) : undefined;
  return typeof value === 'string' && /^\s*\d{1,20}\s*$/.test(value) ? String(BigInt(value)) : undefined;
}

/** A hash in any spelling, its kind told by its length and whose it is; undefined if it is no hash. */
export function hashFrom(text: string | undefined, role: ModelHint['role']): ModelHash | undefined {
  const [, algorithm, digits] = /^(?:(blake3|sha256):)?([0-9a-f]{8,64})$/i.exec(text?.trim() ?? '') ?? [];
  if (digits === undefined) return undefined;
  const value = digits.toLowerCase();
  if (algorithm?.toLowerCase() === 'blake3') return { kind: 'blake3', value };
  if (value.length === 8) return { kind: 'autov1', value };
  return { kind: role === 'lora' && value.length <= 12 ? 'autov3' : 'sha256', value };
}

/** File name without folders (of either kind of slash) and weight-file extension. */
export function modelName(file: string): string {
  const base = file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1);
  return base.replace(/\.(safetensors|sft|ckpt|pth?|bin|gguf)$/i, '') || file;
}

/** An object's own enumerable fields, or nothing for anything else. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

/** A list, or an empty one for anything else. */
export function listFrom(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A text, or undefined for anything else. */
export function textFrom(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function shown(value: unknown): string {
  const json = (item: unknown) =>
    JSON.stringify(item, (_key, part) => (typeof part === 'bigint' ? String(part) : part));
  const text = typeof value === 'string' ? value : (json(value) ?? String(value));
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`;
}
