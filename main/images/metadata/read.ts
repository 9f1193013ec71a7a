/** Reads out of a picture by any program how it was made. */
import {
  generationRequestSchema,
  type UpscaleRequest,
  upscaleRequestSchema,
} from '../../../preload/request.ts';
import type { PictureSource } from '../codec.ts';
import { looseGraph, parsePythonJson } from '../comfy/graph.ts';
import { recallComfyGraph } from '../comfy/readGraph.ts';
import { recallFooocus, recallInvoke, recallNovelAi } from '../recall/foreign.ts';
import { recallInfotext } from '../recall/infotextRead.ts';
import { collector, fieldsOf, missingFields, numberFrom, type Recall, textFrom } from '../recall/recall.ts';
import { type FoundTexts, findTexts } from './texts.ts';
import { OWN_KEYWORD } from './write.ts';

export interface ImageMetadata extends Omit<Recall, 'source'> {
  /** Undefined where the file says nothing about how it was made. */
  readonly source: Recall['source'] | undefined;
  /** The complete request of a picture that this program enlarged. */
  readonly upscale?: UpscaleRequest;
  /** Every text found, by keyword. */
  readonly raw: Readonly<Record<string, string>>;
}

type Texts = ReadonlyMap<string, string>;

/**
 * Settings from a picture file or its bytes. Any bytes give a result: with no `source` where nothing was found.
 * Throws PictureError where the file cannot be opened.
 */
export async function readImageMetadata(source: PictureSource): Promise<ImageMetadata> {
  const found = await findTexts(source);
  const recall = interpretTexts(found.texts);
  const raw = Object.fromEntries(found.texts);
  if (!recall)
    return { source: undefined, request: {}, models: [], missing: [], problems: found.problems, raw };
  const request = recall.upscale ? recall.request : withPictureSize(recall.request, found);
  const missing = recall.upscale ? [] : missingFields(request);
  return { ...recall, request, missing, problems: [...found.problems, ...recall.problems], raw };
}

/** Texts by keyword → settings, by the first program whose mark they bear; undefined where none does. Never throws. */
export function interpretTexts(texts: Texts): (Recall & { upscale?: UpscaleRequest }) | undefined {
  for (const read of [readOwn, readInvoke, readFooocus, readNovelAi, readA1111, readComfy]) {
    const recall = read(texts);
    if (recall) return recall;
  }
  return undefined;
}

/** Our own text, if this version understands it; else the A1111 text beside it is read. */
function readOwn(texts: Texts): (Recall & { upscale?: UpscaleRequest }) | undefined {
  const own = jsonOf(texts.get(OWN_KEYWORD));
  const upscale = upscaleRequestSchema.safeParse(own['request']);
  const base = { source: 'emulsion' as const, models: [], missing: [], problems: [] };
  if (upscale.success) return { ...base, request: {}, upscale: upscale.data };
  const parsed = generationRequestSchema.safeParse(own['request']);
  if (!parsed.success) return undefined;
  const index = numberFrom(own['batchIndex']);
  const isIndex = index !== undefined && Number.isInteger(index) && index >= 0 && index < parsed.data.batch;
  return { ...base, request: parsed.data, ...(isIndex && { batchIndex: index }) };
}

function readInvoke(texts: Texts): Recall | undefined {
  const settings = jsonOf(texts.get('invokeai_metadata'));
  return Object.keys(settings).length > 0 ? recallInvoke(settings) : undefined;
}

/** Fooocus writes JSON or, if told so, A1111 text under the same keyword. */
function readFooocus(texts: Texts): Recall | undefined {
  const settings = jsonOf(texts.get('parameters'));
  if (Object.keys(settings).length > 0) return recallFooocus(settings);
  const text = texts.get('parameters');
  return text && texts.get('fooocus_scheme') === 'a1111' ? recallInfotext(text, 'fooocus') : undefined;
}

function readNovelAi(texts: Texts): Recall | undefined {
  const settings = jsonOf(texts.get('Comment'));
  const isNovelAi = texts.get('Software') === 'NovelAI' || ('uc' in settings && 'sampler' in settings);
  return isNovelAi && Object.keys(settings).length > 0
    ? recallNovelAi(settings, texts.get('Description'))
    : undefined;
}

function readA1111(texts: Texts): Recall | undefined {
  const text = texts.get('parameters');
  return text ? recallInfotext(text) : undefined;
}

function readComfy(texts: Texts): Recall | undefined {
  const graph = looseGraph(parsed(texts.get('prompt')));
  if (graph) return recallComfyGraph(graph);
  if (!texts.has('workflow')) return undefined;
  const collected = collector();
  collected.problem(
    'the file holds a ComfyUI workflow but not the graph that ran; open it in ComfyUI and save an API workflow',
  );
  return collected.finish('comfyui', 'text-to-image');
}

/** NovelAI and foreign ComfyUI graphs may leave the size to the picture itself. */
function withPictureSize(request: Recall['request'], { size }: FoundTexts): Recall['request'] {
  const known =
    request.width !== undefined || request.height !== undefined || request.secondPass !== undefined;
  if (known || !size || size.width % 8 !== 0 || size.height % 8 !== 0) return request;
  return { ...request, ...size };
}

function jsonOf(text: string | undefined): Readonly<Record<string, unknown>> {
  const trimmed = textFrom(text)?.trimStart();
  return trimmed?.startsWith('{') ? fieldsOf(parsed(trimmed)) : {};
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : parsePythonJson(text);
  } catch {
    return undefined;
  }
}
