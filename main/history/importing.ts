/** Takes pictures of any tool into the history: single files, whole folders, and our own after a lost database. */
import { readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { toStudioError } from '../../preload/errors.ts';
import type { ImportProgress, PartialRequest } from '../../preload/history.ts';
import {
  type GenerationRequest,
  generationRequestSchema,
  type UpscaleRequest,
} from '../../preload/request.ts';
import { pictureExtension, pictureSize } from '../images/codec.ts';
import { type ImageMetadata, readImageMetadata } from '../images/metadata/read.ts';
import { resolveModel } from '../library/resolve.ts';
import type { ReadableDb } from '../storage/database.ts';
import { storePicture } from '../storage/fileStore.ts';
import { recordPicture, setDeleted } from './pictures.ts';
import { freeFile, jobOf, parentsOf } from './saving.ts';
import { type ImagePlaces, readImageFile, sha256Of } from './uploads.ts';

const EXTENSIONS = ['.png', '.jpg', '.jpeg', '.webp', '.avif', '.gif'];

/** More are counted (total − imported − skipped), not listed. */
const MAX_FAILURES_TOLD = 200;

/** Picture files at and below the paths; links are not followed out of the folder chosen. */
export function listPictures(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [path];
    return readdirSync(path, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && EXTENSIONS.includes(extname(entry.name).toLowerCase()))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
  });
}

export type Imported = { readonly id: number; readonly missing: readonly string[] } | 'known';

/** Copies one picture into the history with the settings it carries; one that lies in the bin comes back from it. */
export async function importPicture(places: ImagePlaces, path: string): Promise<Imported> {
  const bytes = await readImageFile(path);
  const sha256 = sha256Of(bytes);
  const same = places.db.get<{ id: number; deleted: number }>(
    'SELECT id, deleted FROM pictures WHERE sha256 = ? ORDER BY deleted',
    sha256,
  );
  if (same?.deleted === 0) return 'known';
  if (same) {
    setDeleted(places.db, [same.id], false, places.now());
    return { id: same.id, missing: [] };
  }
  const size = await pictureSize(bytes, { name: basename(path) });
  const recalled = await readImageMetadata(bytes);
  const created = createdAt(path, places.now());
  const file = freeFile(places.pictures, created, 'import', await pictureExtension(bytes));
  const { request, missing } = completeRequest(places.db, recalled, size);
  const id = storePicture(places.db, places.pictures, file, bytes, () =>
    record(places, { file, sha256, bytes: bytes.length, created, jobId: null, request, recalled, ...size }),
  );
  return { id, missing };
}

/**
 * Records a file that already lies in the pictures folder: a finished picture whose record was lost. One that a crash
 * left between file and record stays its job's, so that the job done again does not make it a second time.
 */
export async function adoptPicture(places: ImagePlaces, file: string): Promise<number> {
  const path = join(places.pictures, file);
  const bytes = await readFile(path);
  const known = places.db.value<number>('SELECT id FROM pictures WHERE file = ?', file);
  if (known !== undefined) return known;
  const size = await pictureSize(bytes, { name: file });
  const recalled = await readImageMetadata(bytes);
  const { request } = completeRequest(places.db, recalled, size);
  return places.db.transaction(() => {
    const pending = places.db.run('DELETE FROM pending_files WHERE file = ?', file).changes > 0;
    const created = createdAt(path, places.now());
    return record(places, {
      file,
      sha256: sha256Of(bytes),
      bytes: bytes.length,
      created,
      jobId: pending ? jobOf(file) : null,
      request,
      recalled,
      ...size,
    });
  });
}

/** Ms. A clock that ran ahead must not put a picture before all later ones. */
function createdAt(path: string, now: number): number {
  return Math.min(statSync(path).mtimeMs, now);
}

interface Found {
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly width: number;
  readonly height: number;
  readonly created: number;
  readonly jobId: number | null;
  readonly request: GenerationRequest | UpscaleRequest | null;
  readonly recalled: ImageMetadata;
}

function record(places: ImagePlaces, { recalled, ...found }: Found): number {
  const { request } = found;
  return recordPicture(places.db, {
    ...found,
    kind: request !== null && recalled.source === 'emulsion' ? request.kind : 'import',
    seed: recalled.request.seed ?? '',
    batchIndex: recalled.batchIndex ?? 0,
    parameters: settingsText(recalled),
    source: recalled.source ?? '',
    parents: request === null ? [] : parentsOf(places, request),
  });
}

/**
 * As complete a request as the file gives: its models pointed at the library's files, by hash, then by name.
 * Null when fields are missing that no default can stand for.
 */
export function completeRequest(
  db: ReadableDb,
  recalled: ImageMetadata,
  size: { width: number; height: number },
) {
  const missing = missingModels(db, recalled);
  if (recalled.upscale !== undefined) return { request: recalled.upscale, missing };
  const filled: PartialRequest = {
    width: size.width,
    height: size.height,
    kind: 'text-to-image',
    ...recalled.request,
  };
  const parsed = generationRequestSchema.safeParse(withLibraryModels(db, filled, recalled));
  return { request: parsed.success ? parsed.data : null, missing };
}

/** Names of models that the picture was made with and the library lacks. */
export function missingModels(db: ReadableDb, { models }: ImageMetadata): string[] {
  return models.flatMap(({ name, hash }) => {
    const label = name ?? hash?.value ?? '';
    return label === '' || resolveModel(db, { name: label }, hash?.value) !== undefined ? [] : [label];
  });
}

/** The text that other tools show: A1111's, else the first one found. */
export function settingsText({ raw }: ImageMetadata): string {
  return raw['parameters'] ?? Object.values(raw)[0] ?? '';
}

/** Hints with a hash may know a model under another name than the request's. */
export function withLibraryModels(
  db: ReadableDb,
  request: PartialRequest,
  recalled: ImageMetadata,
): PartialRequest {
  const hashOf = new Map(recalled.models.map(({ name, hash }) => [name, hash?.value]));
  const found = <Ref extends { name: string }>(ref: Ref): Ref => {
    const model = resolveModel(db, ref, hashOf.get(ref.name));
    if (model === undefined) return ref;
    return { ...ref, path: model.path, ...(model.sha256 !== null && { sha256: model.sha256 }) };
  };
  return {
    ...request,
    ...(request.checkpoint && { checkpoint: found(request.checkpoint) }),
    ...(request.vae && { vae: found(request.vae) }),
    ...(request.loras && { loras: request.loras.map((use) => ({ ...use, model: found(use.model) })) }),
    ...(request.controls && {
      controls: request.controls.map((use) => ({ ...use, model: found(use.model) })),
    }),
  };
}

/** Imports one after another, yielding after each; a file that fails is told and passed over. */
export async function* importAll(
  places: ImagePlaces,
  paths: readonly string[],
  onImported: (id: number) => void,
  signal?: AbortSignal,
): AsyncGenerator<ImportProgress> {
  const files = listPictures(paths);
  const missing = new Set<string>();
  const progress: ImportProgress = {
    done: 0,
    total: files.length,
    file: '',
    imported: 0,
    skipped: 0,
    failed: [],
    missingModels: [],
  };
  for (const file of files) {
    signal?.throwIfAborted();
    try {
      const result = await importPicture(places, file);
      if (result === 'known') progress.skipped += 1;
      else {
        progress.imported += 1;
        for (const name of result.missing) missing.add(name);
        onImported(result.id);
      }
    } catch (error) {
      if (progress.failed.length < MAX_FAILURES_TOLD)
        progress.failed.push({ file, error: toStudioError(error) });
    }
    progress.done += 1;
    yield { ...progress, file, failed: [...progress.failed], missingModels: [...missing].sort() };
  }
  if (files.length === 0) yield progress;
}
