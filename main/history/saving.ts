/** Turns finished pixels into history pictures: encode, embed the request, write durably, record. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Picture } from '../../preload/history.ts';
import type { GenerationRequest, ImageRef, UpscaleRequest } from '../../preload/request.ts';
import { pictureExtension, pictureSize } from '../images/codec.ts';
import type { ComfyGraphOptions } from '../images/comfy/exportGraph.ts';
import { encodeWithMetadata, metadataTexts } from '../images/metadata/write.ts';
import type { Pixels } from '../images/pixels.ts';
import { storePicture } from '../storage/fileStore.ts';
import { recordPicture } from './pictures.ts';
import { type ImagePlaces, imagePath, readImageFile, sha256Of } from './uploads.ts';

export interface FinishedPicture {
  readonly pixels: Pixels;
  readonly request: GenerationRequest | UpscaleRequest;
  readonly seed: string;
  readonly batchIndex: number;
  readonly jobId: number | null;
  /** What the engine found out that the ComfyUI graph in the file must know. */
  readonly graph?: ComfyGraphOptions;
}

/** Durable when it resolves: file, record and lineage. A picture of this job and index that was saved before is kept. @returns its id. */
export async function savePicture(places: ImagePlaces, picture: FinishedPicture): Promise<number> {
  const { db, pictures, now } = places;
  const saved = db.value<number>(
    'SELECT id FROM pictures WHERE job_id = ? AND batch_index = ?',
    picture.jobId,
    picture.batchIndex,
  );
  if (saved !== undefined) return saved;
  const { request, batchIndex, pixels } = picture;
  const metadata = { request, batchIndex, withoutPaths: true, ...picture.graph };
  const bytes = await encodeWithMetadata(pixels, 'png', metadata);
  const parameters = parametersOf(request, batchIndex);
  const created = now();
  const file = freeFile(pictures, created, `${picture.jobId ?? 'x'}-${batchIndex}`);
  return storePicture(db, pictures, file, bytes, () =>
    recordPicture(db, {
      ...{ file, created, request, parameters, batchIndex, seed: picture.seed, jobId: picture.jobId },
      sha256: sha256Of(bytes),
      bytes: bytes.length,
      width: pixels.width,
      height: pixels.height,
      kind: request.kind,
      source: 'emulsion',
      parents: parentsOf(places, request),
    }),
  );
}

/** Records a stored picture as made on the canvas. @returns its id. */
export async function keepPicture(
  places: ImagePlaces,
  image: ImageRef,
  parents: readonly number[],
): Promise<number> {
  const { db, pictures, now } = places;
  const path = imagePath(places, image);
  const bytes = await readImageFile(path);
  const created = now();
  const { width, height } = await pictureSize(bytes);
  const file = freeFile(pictures, created, 'canvas', await pictureExtension(bytes));
  return storePicture(db, pictures, file, bytes, () =>
    recordPicture(db, {
      ...{ file, created, width, height, sha256: sha256Of(bytes), bytes: bytes.length, kind: 'canvas' },
      ...{ request: null, parameters: '', source: 'emulsion', seed: '', batchIndex: 0, jobId: null },
      parents: parents.map((id) => ({ id, role: 'canvas' })),
    }),
  );
}

/** The settings as the text that A1111 writes; empty for an enlargement. */
export function parametersOf(request: GenerationRequest | UpscaleRequest, batchIndex: number): string {
  return metadataTexts({ request, batchIndex }).find(([keyword]) => keyword === 'parameters')?.[1] ?? '';
}

/** `2026/11/23/153801-12-0.png`, with a number behind it when taken (after a lost database). */
export function freeFile(root: string, time: number, stem: string, extension = 'png'): string {
  const stamp = new Date(time).toISOString();
  const folder = stamp.slice(0, 10).replaceAll('-', '/');
  const name = `${stamp.slice(11, 19).replaceAll(':', '')}-${stem}`;
  for (let number = 1; ; number++) {
    const file = `${folder}/${name}${number === 1 ? '' : `-${number}`}.${extension}`;
    if (!existsSync(join(root, file)) && !existsSync(join(root, `${file}.part`))) return file;
  }
}

/** The job in a name that freeFile made for one of its pictures; null for other pictures. */
export function jobOf(file: string): number | null {
  const [, job] = /\/\d{6}-(\d+)-\d+(?:-\d+)?\.png$/.exec(file) ?? [];
  return job === undefined ? null : Number(job);
}

/** History pictures that went into a request, by contents. */
export function parentsOf(
  places: Pick<ImagePlaces, 'db'>,
  request: GenerationRequest | UpscaleRequest,
): { id: number; role: string }[] {
  return inputsOf(request).flatMap(({ image, role }) => {
    if (image.sha256 === undefined) return [];
    const id = places.db.value<number>(
      'SELECT id FROM pictures WHERE sha256 = ? ORDER BY id LIMIT 1',
      image.sha256,
    );
    return id === undefined ? [] : [{ id, role }];
  });
}

/** Every picture that goes into a request, with what it is there for. */
export function inputsOf(
  request: GenerationRequest | UpscaleRequest,
): { image: ImageRef; role: Picture['kind'] | 'control' | 'mask' }[] {
  if (request.kind === 'upscale') return [{ image: request.image, role: 'upscale' }];
  const controls = request.controls.map(({ image }) => ({ image, role: 'control' as const }));
  if (request.kind === 'text-to-image') return controls;
  const init = { image: request.initImage, role: request.kind };
  const mask = request.kind === 'inpaint' ? [{ image: request.mask, role: 'mask' as const }] : [];
  return [init, ...mask, ...controls];
}
