/** Finds every metadata text in a picture file, whatever the format keeps it in. Files are untrusted: any bytes give a result. */
import { readFile, stat } from 'node:fs/promises';
import sharp from 'sharp';
import { decodePixels, PictureError, type PictureSource, pictureName, requireFile } from '../codec.ts';
import { readComment } from './containers.ts';
import { readExif } from './exif.ts';
import { isPng, readPngTexts } from './pngChunks.ts';
import { readStealthText } from './stealth.ts';

/** The largest picture file looked into. */
const MAX_FILE_BYTES = 512 << 20;
/** Hidden bits are looked for in pictures up to this size: they must be decoded for it. */
const MAX_STEALTH_PIXELS = 32 << 20;

export interface FoundTexts {
  /** By PNG keyword; texts of other formats under the keyword the same program uses in PNG. */
  readonly texts: ReadonlyMap<string, string>;
  readonly problems: readonly string[];
  /** Of the picture as shown; undefined where the file is no readable picture. */
  readonly size: { readonly width: number; readonly height: number } | undefined;
}

/** Keywords that hold settings; a file with none of them is searched for hidden bits. */
const SETTINGS_KEYWORDS = ['emulsion', 'parameters', 'prompt', 'invokeai_metadata', 'Comment'];

/** All texts of a picture file. Throws PictureError where there is no such file, or it is larger than 512 MiB. */
export async function findTexts(source: PictureSource): Promise<FoundTexts> {
  const bytes = typeof source === 'string' ? await readLimited(source) : source;
  const texts = new Map<string, string>();
  const fromPng = readPngTexts(bytes);
  addAll(texts, fromPng.texts);
  const header = await headerOf(bytes);
  if (header?.exif) addAll(texts, exifTexts(header.exif));
  addComment(texts, readComment(bytes));
  const found = SETTINGS_KEYWORDS.some((keyword) => texts.has(keyword));
  const hidden =
    !found && header && header.width * header.height <= MAX_STEALTH_PIXELS && mayHide(bytes, header.format);
  if (hidden) addAll(texts, await stealthTexts(bytes));
  const size = header && { width: header.width, height: header.height };
  return { texts, problems: fromPng.problems, size };
}

interface Header {
  readonly width: number;
  readonly height: number;
  readonly format: string;
  readonly exif: Uint8Array | undefined;
}

async function headerOf(bytes: Uint8Array): Promise<Header | undefined> {
  try {
    const { autoOrient, format, exif } = await sharp(bytes, { limitInputPixels: false }).metadata();
    return { width: autoOrient.width, height: autoOrient.height, format, exif };
  } catch {
    return undefined;
  }
}

/** Only lossless files keep their lowest bits. */
function mayHide(bytes: Uint8Array, format: string): boolean {
  return isPng(bytes) || format === 'webp';
}

async function readLimited(path: string): Promise<Uint8Array> {
  try {
    await requireFile(path);
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES) {
      throw new PictureError(pictureName(path), 'is larger than 512 MiB', 'Make it smaller first');
    }
    return await readFile(path);
  } catch (error) {
    if (error instanceof PictureError) throw error;
    throw new PictureError(
      pictureName(path),
      'cannot be opened',
      'Check the path and its permissions',
      error,
    );
  }
}

/** A1111 and Fooocus use UserComment, Fooocus names its scheme in MakerNote, ComfyUI puts its keywords before the text. */
function exifTexts(exif: Uint8Array): Map<string, string> {
  const { userComment, makerNote, software, keyed } = readExif(exif);
  const texts = new Map(keyed);
  if (userComment && looksLikeSettings(userComment)) texts.set('parameters', userComment);
  if (makerNote === 'fooocus' || makerNote === 'a1111') texts.set('fooocus_scheme', makerNote);
  if (software) texts.set('Software', software);
  return texts;
}

function addComment(texts: Map<string, string>, comment: string | undefined): void {
  if (comment && looksLikeSettings(comment) && !texts.has('parameters')) texts.set('parameters', comment);
}

/** Cameras and paint programs write comments too. */
function looksLikeSettings(comment: string): boolean {
  return /\bSteps: ?\d/.test(comment) || /^\s*\{/.test(comment);
}

/** NovelAI hides all its PNG texts as one JSON object, A1111's extension the parameters text. */
async function stealthTexts(bytes: Uint8Array): Promise<Map<string, string>> {
  try {
    const hidden = readStealthText(await decodePixels(bytes));
    if (hidden === undefined) return new Map();
    return new Map(hiddenEntries(hidden) ?? [['parameters', hidden]]);
  } catch {
    return new Map();
  }
}

function hiddenEntries(text: string): [string, string][] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('Comment' in value)) return undefined;
    return Object.entries(value).map(([key, item]) => [
      key,
      typeof item === 'string' ? item : JSON.stringify(item),
    ]);
  } catch {
    return undefined;
  }
}

function addAll(into: Map<string, string>, from: ReadonlyMap<string, string>): void {
  for (const [key, text] of from) if (!into.has(key)) into.set(key, text);
}
