/** Puts a request into picture files: for us to repeat exactly, for A1111 as text, for ComfyUI as graph. */
import type { GenerationRequest, UpscaleRequest } from '../../../preload/request.ts';
import { takenShortcuts } from '../../../preload/shortcuts.ts';
import { encodePixels, type PictureFormat } from '../codec.ts';
import { type ComfyGraphOptions, comfyGraph, type Size } from '../comfy/exportGraph.ts';
import { upscaleGraph } from '../comfy/exportUpscale.ts';
import { pythonJson } from '../comfy/graph.ts';
import { fileName } from '../comfy/graphBuilder.ts';
import type { Pixels } from '../pixels.ts';
import { formatInfotext } from '../recall/infotext.ts';
import { type InfotextOptions, requestToInfotext } from '../recall/infotextWrite.ts';
import { insertJpegExif, insertWebpExif, MAX_JPEG_EXIF_BYTES } from './containers.ts';
import { writeExif } from './exif.ts';
import { writePngTexts } from './pngChunks.ts';

/** Keyword of our own text: {version, request, batchIndex} as JSON. */
export const OWN_KEYWORD = 'emulsion';
export const OWN_VERSION = 1;

export interface MetadataToWrite extends InfotextOptions, ComfyGraphOptions {
  readonly request: GenerationRequest | UpscaleRequest;
  /** `prompt` writes the two prompts alone, as A1111 text; `none` nothing. */
  readonly mode?: 'all' | 'prompt' | 'none';
  /** For pictures that leave the house: files are then known by name and sha256 only. */
  readonly withoutPaths?: boolean;
  /** The ComfyUI graph as an earlier file of this picture carries it; made from the request where there is none. */
  readonly graph?: string | undefined;
  /** Of the picture that is written. */
  readonly size?: Size;
}

/**
 * Pixels as a file with metadata. JPEG holds 64 KiB of it: where that is too little, the ComfyUI graph is left out first,
 * then our own text; if the A1111 text alone is longer, RangeError.
 */
export async function encodeWithMetadata(
  pixels: Pixels,
  format: PictureFormat,
  metadata: MetadataToWrite,
  quality?: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const file = await encodePixels(pixels, format, quality);
  const { width, height } = pixels;
  const texts = metadataTexts({ size: { width, height }, ...metadata });
  if (texts.length === 0) return file;
  switch (format) {
    case 'png':
      return writePngTexts(file, texts);
    case 'webp':
      return insertWebpExif(file, exifOf(texts), pixels.width, pixels.height, pixels.channels === 4);
    case 'jpeg':
      return insertJpegExif(file, fittingExif(texts));
  }
}

/** Keyword and text of each chunk, the least dispensable first. */
export function metadataTexts(metadata: MetadataToWrite): (readonly [keyword: string, text: string])[] {
  const { mode = 'all', batchIndex = 0 } = metadata;
  const request = metadata.withoutPaths ? withoutPaths(metadata.request) : metadata.request;
  if (mode === 'none') return [];
  if (request.kind === 'upscale') {
    if (mode === 'prompt') return [];
    return [
      [OWN_KEYWORD, pythonJson({ version: OWN_VERSION, request })],
      ['prompt', metadata.graph ?? pythonJson(upscaleGraph(graphRequest(request, metadata), metadata.size))],
    ];
  }
  const { prompt, negativePrompt } = request;
  const { shortcuts: stated, ...rest } = request;
  const shortcuts = takenShortcuts(request) ?? stated;
  // Always in the same place: a repeated picture is the same file.
  const own = shortcuts ? { ...rest, shortcuts } : rest;
  if (mode === 'prompt')
    return [['parameters', formatInfotext({ prompt, negativePrompt, fields: new Map() })]];
  return [
    ['parameters', requestToInfotext(request, metadata)],
    [OWN_KEYWORD, pythonJson({ version: OWN_VERSION, request: own, batchIndex })],
    ['prompt', metadata.graph ?? pythonJson(comfyGraph(graphRequest(request, metadata), metadata))],
  ];
}

/** ComfyUI knows models by the names of their files, which stay where the folders go. */
function graphRequest<T extends GenerationRequest | UpscaleRequest>(
  bare: T,
  { request, withoutPaths }: MetadataToWrite,
): T {
  if (!withoutPaths) return bare;
  const kept = ({ name, sha256, path }: RefWithPath) =>
    name === undefined && sha256 !== undefined ? {} : { path: fileName(path) };
  return mapRefs(request, kept) as T;
}

/** The request with every folder taken out of it: models by name, pictures by sha256 or file name. */
export function withoutPaths<T extends GenerationRequest | UpscaleRequest>(request: T): T {
  return mapRefs(request, ({ name, sha256, path }) =>
    name === undefined && sha256 === undefined ? { path: fileName(path) } : {},
  ) as T;
}

interface RefWithPath {
  readonly path: string;
  /** ModelRef alone. */
  readonly name?: string;
  readonly sha256?: string;
}

/** Paths occur in ModelRef and ImageRef alone, and nothing else in a request is called `path`. `kept` stands in for each. */
function mapRefs(value: unknown, kept: (ref: RefWithPath) => { path?: string }): unknown {
  if (Array.isArray(value)) return value.map((item) => mapRefs(item, kept));
  if (typeof value !== 'object' || value === null) return value;
  const { path, ...rest } = value as { path?: unknown };
  const mapped = Object.fromEntries(Object.entries(rest).map(([key, item]) => [key, mapRefs(item, kept)]));
  return typeof path === 'string' ? { ...mapped, ...kept(value as RefWithPath) } : mapped;
}

/** A1111 reads UserComment; the rest goes where ComfyUI looks: Model for the graph, the next tag for ours. */
function exifOf(texts: readonly (readonly [string, string])[]): Uint8Array {
  const keyed = texts.filter(([keyword]) => keyword !== 'parameters');
  const graphFirst = keyed.toSorted(([a], [b]) => Number(b === 'prompt') - Number(a === 'prompt'));
  return writeExif(texts.find(([keyword]) => keyword === 'parameters')?.[1], graphFirst);
}

function fittingExif(texts: readonly (readonly [string, string])[]): Uint8Array {
  const exif = exifOf(texts);
  return exif.length <= MAX_JPEG_EXIF_BYTES || texts.length === 1 ? exif : fittingExif(texts.slice(0, -1));
}
