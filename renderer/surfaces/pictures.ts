/** Stored pictures as bitmaps: loaded once, kept while they are used. */
import type { ImageRef } from '../../preload/request.ts';
import { showError } from '../stores/notices.ts';
import { studio } from '../stores/studio.ts';

/** Bitmaps kept; the ones asked for least recently go first. */
const KEPT = 48;

const keyOf = (image: ImageRef): string => image.sha256 ?? `path ${image.path}`;
const loading = new Map<string, Promise<ImageBitmap>>();
const ready = new Map<string, ImageBitmap>();
const listeners = new Set<() => void>();

/** Hears whenever a bitmap has arrived; returns how to stop. */
export function onPicture(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The picture's own pixels: no colour conversion, so that what comes back out is bit-identical. */
export const decode = (blob: Blob): Promise<ImageBitmap> =>
  createImageBitmap(blob, { colorSpaceConversion: 'none' });

export function loadPicture(image: ImageRef): Promise<ImageBitmap> {
  const key = keyOf(image);
  const known = loading.get(key);
  if (known !== undefined) return known;
  const promise = fetchBitmap(image);
  loading.set(key, promise);
  promise.then(
    (bitmap) => keep(key, bitmap),
    () => loading.delete(key),
  );
  return promise;
}

async function fetchBitmap(image: ImageRef): Promise<ImageBitmap> {
  const { url } = await studio().images.get({ image });
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`The picture could not be loaded (${answer.status}).`);
  return decode(await answer.blob());
}

function keep(key: string, bitmap: ImageBitmap): void {
  ready.set(key, bitmap);
  for (const old of [...ready.keys()].slice(0, Math.max(0, ready.size - KEPT))) {
    ready.delete(old);
    loading.delete(old);
  }
  for (const listener of listeners) listener();
}

/** The bitmap if it is here; otherwise null, and `onPicture` tells when it has come. */
export function pictureNow(image: ImageRef): ImageBitmap | null {
  const key = keyOf(image);
  const bitmap = ready.get(key);
  if (bitmap === undefined) {
    if (!loading.has(key)) loadPicture(image).catch(showError);
    return null;
  }
  ready.delete(key);
  ready.set(key, bitmap);
  return bitmap;
}
