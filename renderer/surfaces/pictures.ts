/** Stored pictures as bitmaps: loaded once, kept while they are used. */
import type { ImageRef } from '../../preload/request.ts';
import { pictureKey } from '../document/layer.ts';
import { showError } from '../stores/notices.ts';
import { studio } from '../stores/studio.ts';
import { levelFor, reducedBitmap } from './levels.ts';

/** Bitmaps kept; the ones asked for least recently go first. */
const KEPT = 48;

const loading = new Map<string, Promise<ImageBitmap>>();
const ready = new Map<string, ImageBitmap>();
const listeners = new Set<() => void>();
let loaded = 0;

/** How many bitmaps have arrived so far: whether there may be something new to draw. */
export const picturesLoaded = (): number => loaded;

/** Hears whenever a bitmap has arrived; returns how to stop. */
export function onPicture(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The picture's file as it is stored. */
export async function pictureFile(image: ImageRef): Promise<Blob> {
  const { url } = await studio().images.get({ image });
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`The picture could not be loaded (${answer.status}).`);
  return answer.blob();
}

function loadPicture(image: ImageRef): Promise<ImageBitmap> {
  const key = pictureKey(image);
  const known = loading.get(key);
  if (known !== undefined) return known;
  // No colour conversion: the picture's own pixels, so that what comes back out is bit-identical.
  const promise = pictureFile(image).then((file) =>
    createImageBitmap(file, { colorSpaceConversion: 'none' }),
  );
  loading.set(key, promise);
  promise.then(
    (bitmap) => keep(key, bitmap),
    () => loading.delete(key),
  );
  return promise;
}

function keep(key: string, bitmap: ImageBitmap): void {
  ready.set(key, bitmap);
  for (const old of [...ready.keys()].slice(0, Math.max(0, ready.size - KEPT))) {
    ready.delete(old);
    loading.delete(old);
  }
  announce();
}

function announce(): void {
  loaded++;
  for (const listener of listeners) listener();
}

/**
 * The bitmap if it is here; otherwise null, and `onPicture` tells when it has come.
 * `scale` is how many screen pixels a pixel of it takes: a large picture shown small comes as a smaller copy.
 */
export function pictureNow(image: ImageRef, scale = 1): ImageBitmap | null {
  const key = pictureKey(image);
  const bitmap = ready.get(key);
  if (bitmap === undefined) {
    if (!loading.has(key)) loadPicture(image).catch(showError);
    return null;
  }
  ready.delete(key);
  ready.set(key, bitmap);
  return reducedBitmap(bitmap, levelFor(scale), announce);
}
