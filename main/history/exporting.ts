/** Writes pictures out of the studio in the format and with as much metadata as asked for. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { ExportRequest } from '../../preload/history.ts';
import { decodePixels, encodePixels, pictureExtension } from '../images/codec.ts';
import { findTexts } from '../images/metadata/texts.ts';
import { encodeWithMetadata } from '../images/metadata/write.ts';
import { freeName } from '../library/importing.ts';
import { diskError, writeDurably } from '../storage/fileStore.ts';
import type { FileUrls } from '../storage/urls.ts';
import { readPicture } from './pictures.ts';
import { type ImagePlaces, imagePath } from './uploads.ts';

export interface ExportedFile {
  readonly name: string;
  /** Where it was written, or null when it waits in the outbox. */
  readonly path: string | null;
  readonly url: string | null;
}

/** @param outbox folder for files that a browser will fetch by URL. */
export async function exportPictures(
  places: ImagePlaces,
  outbox: string,
  request: ExportRequest,
): Promise<ExportedFile[]> {
  const files: ExportedFile[] = [];
  for (const id of request.ids) {
    const { name, bytes } = await exportedBytes(places, id, request);
    const path = await writeNew(request.directory ?? outbox, name, bytes);
    files.push(told(path, request.directory === undefined, places.urls));
  }
  return files;
}

/**
 * Writes a whole file or none. Its name is taken by an empty one first, because others may be writing here too.
 * @returns its path.
 */
async function writeNew(folder: string, name: string, bytes: Uint8Array): Promise<string> {
  const path = await freeName(folder, name);
  const isTaken = await writeFile(path, '', { flag: 'wx' }).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw diskError(error, path);
    },
  );
  if (!isTaken) return writeNew(folder, name, bytes);
  try {
    writeDurably(path, bytes);
    return path;
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

function told(path: string, waits: boolean, urls: FileUrls): ExportedFile {
  const name = path.split(/[\\/]/).at(-1) ?? path;
  return waits ? { name, path: null, url: urls.of('outbox', name) } : { name, path, url: null };
}

/** An imported picture in its own format with all metadata goes out as it came in; everything else is encoded anew. */
async function exportedBytes(places: ImagePlaces, id: number, { format, metadata, quality }: ExportRequest) {
  const picture = readPicture(places, id);
  const path = imagePath(places, picture.image);
  const extension = format === 'jpeg' ? 'jpg' : format;
  const name = `${picture.fileName.slice(0, -extname(picture.fileName).length)}.${extension}`;
  const { request, batchIndex } = picture;
  const isWanted = metadata === 'all' && (request === null || picture.kind === 'import');
  if (isWanted && extension === (await pictureExtension(path))) return { name, bytes: await readFile(path) };
  const pixels = await decodePixels(path);
  if (request === null || metadata === 'none')
    return { name, bytes: await encodePixels(pixels, format, quality) };
  // Its graph knows what the request alone does not tell: the area that was cut out, an inpaint model.
  const graph = picture.kind === 'import' ? undefined : (await findTexts(path)).texts.get('prompt');
  const options = { request, batchIndex, mode: metadata, withoutPaths: true, graph };
  return { name, bytes: await encodeWithMetadata(pixels, format, options, quality) };
}

/** In code points of up to 4 bytes: file systems take names of 255 bytes, with what is put behind them. */
const MAX_STEM = 50;

/** Where a file for the outbox may be written: under a name that file systems take and its URL can say. */
export function outboxPath(outbox: string, name: string): Promise<string> {
  const extension = extname(name);
  const allowed = name.slice(0, name.length - extension.length).replace(/[^\p{L}\p{N} ._-]|^\./gu, '_');
  return freeName(outbox, [...allowed].slice(0, MAX_STEM).join('') + extension);
}
