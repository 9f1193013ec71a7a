/** Writes pictures out of the studio in the format and with as much metadata as asked for. */
import { readFile, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { ExportRequest } from '../../preload/history.ts';
import { decodePixels, encodePixels } from '../images/codec.ts';
import { findTexts } from '../images/metadata/texts.ts';
import { encodeWithMetadata } from '../images/metadata/write.ts';
import { freeName } from '../library/importing.ts';
import { diskError } from '../storage/fileStore.ts';
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
    const path = await freeName(request.directory ?? outbox, name);
    await writeFile(path, bytes, { flag: 'wx' }).catch((error: unknown) => {
      throw diskError(error, path);
    });
    files.push(told(path, request.directory === undefined, places.urls));
  }
  return files;
}

function told(path: string, waits: boolean, urls: FileUrls): ExportedFile {
  const name = path.split(/[\\/]/).at(-1) ?? path;
  return waits ? { name, path: null, url: urls.of('outbox', name) } : { name, path, url: null };
}

/** An imported picture in its own format with all metadata goes out as it came in; everything else is encoded anew. */
async function exportedBytes(places: ImagePlaces, id: number, { format, metadata, quality }: ExportRequest) {
  const picture = readPicture(places, id);
  const path = imagePath(places, picture.image);
  const name = `${picture.fileName.slice(0, -extname(picture.fileName).length)}.${format === 'jpeg' ? 'jpg' : format}`;
  const { request, batchIndex } = picture;
  const asItIs =
    metadata === 'all' && format === formatOf(path) && (request === null || picture.kind === 'import');
  if (asItIs) return { name, bytes: await readFile(path) };
  const pixels = await decodePixels(path);
  if (request === null || metadata === 'none')
    return { name, bytes: await encodePixels(pixels, format, quality) };
  // Its graph knows what the request alone does not tell: the area that was cut out, an inpaint model.
  const graph = picture.kind === 'import' ? undefined : (await findTexts(path)).texts.get('prompt');
  const options = { request, batchIndex, mode: metadata, withoutPaths: true, graph };
  return { name, bytes: await encodeWithMetadata(pixels, format, options, quality) };
}

function formatOf(path: string): string {
  const extension = extname(path).slice(1).toLowerCase();
  return extension === 'jpg' ? 'jpeg' : extension;
}

/** Where a file for the outbox may be written. */
export function outboxPath(outbox: string, name: string): Promise<string> {
  return freeName(outbox, name.replace(/[^\p{L}\p{N} ._-]/gu, '_')).then((path) => join(path));
}
