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

/** Lower-case hex. */
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

type Places = Pick<ImagePlaces, 'pictures' | 'uploads'> & { readonly db: ReadableDb };

/** Where a picture lies: an upload or a history picture by sha256, else its path. @throws StudioError `not-found`. */
export function imagePath(places: Places, ref: ImageRef): string {
  return placeOf(places, ref).path;
}

/** An ImageRef as something the window can show; a picture known only by path is taken into the uploads. */
export async function showImage(places: ImagePlaces, ref: ImageRef): Promise<StoredImage> {
  const { path, url } = placeOf(places, ref);
  if (url === undefined) return storeUpload(places, await readImageFile(path), basename(path));
  return { image: { sha256: ref.sha256 }, ...(await pictureSize(path)), url: places.urls.of(...url) };
}

interface Place {
  readonly path: string;
  /** What its URL is made of; the window can see stored pictures alone. */
  readonly url?: Parameters<FileUrls['of']>;
}

/** The first place where there still is a file: any may have been emptied from outside. */
function placeOf(places: Places, ref: ImageRef): Place {
  const stored = ref.sha256 === undefined ? [] : storedPlaces(places, ref.sha256);
  const place = [...stored, ...(ref.path === undefined ? [] : [{ path: ref.path }])].find(({ path }) =>
    existsSync(path),
  );
  if (place !== undefined) return place;
  const what = ref.path === undefined ? `with sha256 ${ref.sha256?.slice(0, 12)}…` : ref.path;
  throw new StudioError(
    'not-found',
    `The picture ${what} is not there any more.`,
    'Drop the picture in again.',
  );
}

function storedPlaces({ db, pictures, uploads }: Places, sha256: string): Place[] {
  const upload = db.column<string>('SELECT file FROM uploads WHERE sha256 = ?', sha256);
  const picture = db.all<{ id: number; file: string }>(
    'SELECT id, file FROM pictures WHERE sha256 = ? ORDER BY id LIMIT 1',
    sha256,
  );
  return [
    ...upload.map((file): Place => ({ path: join(uploads, file), url: ['upload', sha256] })),
    ...picture.map(({ id, file }): Place => ({ path: join(pictures, file), url: ['picture', String(id)] })),
  ];
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
