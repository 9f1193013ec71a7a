/** Pictures by contents: uploaded, painted and dropped ones, so that requests can name them by sha256. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { MAX_IMAGE_BYTES } from '../../preload/contract.ts';
import { StudioError } from '../../preload/errors.ts';
import type { ImageRef } from '../../preload/request.ts';
import type { StoredImage } from '../../preload/studio.ts';
import { pictureSize } from '../images/codec.ts';
import type { ReadableDb, WritableDb } from '../storage/database.ts';
import { writeDurably } from '../storage/fileStore.ts';
import type { FileUrls } from '../storage/urls.ts';

export interface ImagePlaces {
  readonly db: WritableDb;
  readonly urls: FileUrls;
  /** Folder of the history's pictures, and of the uploaded ones. */
  readonly pictures: string;
  readonly uploads: string;
  readonly now: () => number;
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Stores a picture under its sha256. @throws PictureError when it is none, StudioError `too-large`. */
export async function storeUpload(
  places: ImagePlaces,
  bytes: Uint8Array,
  name = 'the picture',
): Promise<StoredImage> {
  if (bytes.length > MAX_IMAGE_BYTES) throw tooLarge(name);
  const size = await pictureSize(bytes, { name });
  const sha256 = sha256Of(bytes);
  const file = join(sha256.slice(0, 2), sha256).replaceAll('\\', '/');
  if (!existsSync(join(places.uploads, file))) writeDurably(join(places.uploads, file), bytes);
  places.db.run(
    'INSERT OR IGNORE INTO uploads VALUES (?, ?, ?, ?, ?, ?)',
    ...[sha256, file, bytes.length, size.width, size.height, places.now()],
  );
  return { image: { sha256 }, ...size, url: places.urls.of('upload', sha256) };
}

/** Where a picture lies: an upload or a history picture by sha256, else its path. @throws StudioError `not-found`. */
export function imagePath(
  places: Pick<ImagePlaces, 'pictures' | 'uploads'> & { db: ReadableDb },
  ref: ImageRef,
): string {
  const { db, pictures, uploads } = places;
  if (ref.sha256 !== undefined) {
    const upload = db.value<string>('SELECT file FROM uploads WHERE sha256 = ?', ref.sha256);
    if (upload !== undefined) return join(uploads, upload);
    const picture = db.value<string>(
      'SELECT file FROM pictures WHERE sha256 = ? ORDER BY id LIMIT 1',
      ref.sha256,
    );
    if (picture !== undefined) return join(pictures, picture);
  }
  if (ref.path !== undefined && existsSync(ref.path)) return ref.path;
  const what = ref.path === undefined ? `with sha256 ${ref.sha256?.slice(0, 12)}…` : ref.path;
  throw new StudioError(
    'not-found',
    `The picture ${what} is not there any more.`,
    'Drop the picture in again.',
  );
}

/** An ImageRef as something the window can show; a picture known only by path is taken into the uploads. */
export async function showImage(places: ImagePlaces, ref: ImageRef): Promise<StoredImage> {
  const path = imagePath(places, ref);
  const known =
    ref.sha256 !== undefined && (path.startsWith(places.uploads) || path.startsWith(places.pictures));
  if (!known) return storeUpload(places, await readImageFile(path), basename(path));
  const sha256 = ref.sha256 as string;
  const size = await pictureSize(path);
  const inHistory = path.startsWith(places.pictures);
  const id = places.db.value<number>('SELECT id FROM pictures WHERE sha256 = ? ORDER BY id LIMIT 1', sha256);
  const url = inHistory ? places.urls.of('picture', String(id)) : places.urls.of('upload', sha256);
  return { image: { sha256 }, ...size, url };
}

/** A picture file's bytes, its length checked first. @throws StudioError `too-large`. */
export async function readImageFile(path: string): Promise<Uint8Array> {
  const { size } = await stat(path);
  if (size > MAX_IMAGE_BYTES) throw tooLarge(basename(path));
  return readFile(path);
}

function tooLarge(name: string): StudioError {
  return new StudioError(
    'too-large',
    `${name} is larger than 128 MiB.`,
    'Save it as a smaller picture first.',
  );
}
