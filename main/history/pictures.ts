/** The picture records: how one is written, read, rated, deleted and brought back. */
import { join } from 'node:path';
import { StudioError } from '../../preload/errors.ts';
import type { Picture, PictureDetail } from '../../preload/history.ts';
import type { GenerationRequest, UpscaleRequest } from '../../preload/request.ts';
import type { ReadableDb, WritableDb } from '../storage/database.ts';
import type { FileUrls } from '../storage/urls.ts';

export interface NewPicture {
  /** Below the pictures folder, '/' between parts. */
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly width: number;
  readonly height: number;
  readonly kind: Picture['kind'];
  readonly created: number;
  readonly request: GenerationRequest | UpscaleRequest | null;
  readonly seed: string;
  readonly batchIndex: number;
  readonly jobId: number | null;
  readonly parameters: string;
  readonly source: string;
  readonly parents: readonly { readonly id: number; readonly role: string }[];
}

/** Records a picture whose file is already durable. @returns its id. */
export function recordPicture(db: WritableDb, picture: NewPicture): number {
  const facts = factsOf(picture.request);
  const { id } = db.run(
    `INSERT INTO pictures (file, sha256, kind, created, width, height, month, model, sampler, seed, job_id, batch_index)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[picture.file, picture.sha256, picture.kind, picture.created, picture.width, picture.height],
    ...[new Date(picture.created).toISOString().slice(0, 7), facts.model, facts.sampler, picture.seed],
    ...[picture.jobId, picture.batchIndex],
  );
  db.run(
    'INSERT INTO picture_details VALUES (?, ?, ?, ?, ?, ?, ?)',
    ...[id, facts.prompt, facts.negativePrompt],
    ...[
      picture.request && JSON.stringify(picture.request),
      picture.parameters,
      picture.source,
      picture.bytes,
    ],
  );
  for (const name of facts.loras) db.run('INSERT OR IGNORE INTO picture_loras VALUES (?, ?)', name, id);
  for (const { id: parent, role } of picture.parents) {
    db.run('INSERT OR IGNORE INTO picture_parents VALUES (?, ?, ?)', id, parent, role);
  }
  return id;
}

function factsOf(request: NewPicture['request']) {
  if (request === null) return { model: '', sampler: '', prompt: '', negativePrompt: '', loras: [] };
  if (request.kind === 'upscale') {
    return { model: request.upscaler.name, sampler: '', prompt: '', negativePrompt: '', loras: [] };
  }
  const { checkpoint, sampler, prompt, negativePrompt, loras } = request;
  return {
    model: checkpoint.name,
    sampler,
    prompt,
    negativePrompt,
    loras: loras.map(({ model }) => model.name),
  };
}

export interface PictureRow {
  id: number;
  kind: Picture['kind'];
  created: number;
  width: number;
  height: number;
  prompt: string;
  seed: string;
  model: string;
  rating: number;
  deleted: number;
  sha256: string;
}

const SUMMARY = `p.id, p.kind, p.created, p.width, p.height, d.prompt, p.seed, p.model, p.rating, p.deleted, p.sha256
  FROM pictures p JOIN picture_details d ON d.picture_id = p.id`;

/** Summaries in the order of `ids`; unknown ids are left out. */
export function readPictures(db: ReadableDb, urls: FileUrls, ids: readonly number[]): Picture[] {
  const rows = db.all<PictureRow>(
    `SELECT ${SUMMARY} WHERE p.id IN (SELECT value FROM json_each(?))`,
    JSON.stringify(ids),
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => {
    const row = byId.get(id);
    return row === undefined ? [] : [toPicture(row, urls)];
  });
}

function toPicture({ sha256, deleted, ...row }: PictureRow, urls: FileUrls): Picture {
  return {
    ...row,
    prompt: row.prompt.slice(0, 2000),
    deleted: deleted !== 0,
    image: { sha256 },
    url: urls.of('picture', String(row.id)),
    thumbnailUrl: urls.of('thumbnail', String(row.id)),
  };
}

/** Where pictures are recorded, seen and kept. */
interface PicturePlaces {
  readonly db: ReadableDb;
  readonly urls: FileUrls;
  readonly pictures: string;
}

/** @throws StudioError `not-found`. */
export function readPicture({ db, urls, pictures }: PicturePlaces, id: number): PictureDetail {
  const [summary] = readPictures(db, urls, [id]);
  const row = db.get<DetailRow>(
    `SELECT d.prompt, d.request, d.parameters, d.source, d.bytes, p.batch_index, p.job_id, p.file
     FROM pictures p JOIN picture_details d ON d.picture_id = p.id WHERE p.id = ?`,
    id,
  );
  if (summary === undefined || row === undefined) throw noPicture(id);
  return {
    ...summary,
    prompt: row.prompt,
    request: row.request === null ? null : JSON.parse(row.request),
    batchIndex: row.batch_index,
    jobId: row.job_id,
    fileName: row.file.split('/').at(-1) ?? row.file,
    path: join(pictures, row.file),
    bytes: row.bytes,
    source: row.source,
    parameters: row.parameters,
    loras: db.column<string>('SELECT name FROM picture_loras WHERE picture_id = ?', id),
    parents: db.column<number>('SELECT DISTINCT parent FROM picture_parents WHERE child = ?', id),
    children: db.column<number>('SELECT DISTINCT child FROM picture_parents WHERE parent = ?', id),
    boards: db.column<number>('SELECT board_id FROM board_pictures WHERE picture_id = ?', id),
  };
}

interface DetailRow {
  prompt: string;
  request: string | null;
  parameters: string;
  source: string;
  bytes: number;
  batch_index: number;
  job_id: number | null;
  file: string;
}

/** Path of a picture below the pictures folder, and its contents' sha256. @throws StudioError `not-found`. */
export function pictureFile(db: ReadableDb, id: number): { file: string; sha256: string } {
  const row = db.get<{ file: string; sha256: string }>('SELECT file, sha256 FROM pictures WHERE id = ?', id);
  if (row === undefined) throw noPicture(id);
  return row;
}

/** What is thrown for an id that no picture has. */
export function noPicture(id: number): StudioError {
  return new StudioError(
    'not-found',
    `There is no picture ${id}.`,
    'Reload the history; it may have been removed.',
  );
}

/** 0–5 stars for all of them. */
export function ratePictures(db: WritableDb, ids: readonly number[], rating: number): void {
  db.run(
    'UPDATE pictures SET rating = ? WHERE id IN (SELECT value FROM json_each(?))',
    rating,
    JSON.stringify(ids),
  );
}

/** Into the bin, or back from it. */
export function setDeleted(db: WritableDb, ids: readonly number[], deleted: boolean, now: number): void {
  db.run(
    'UPDATE pictures SET deleted = ?, deleted_at = ? WHERE id IN (SELECT value FROM json_each(?))',
    deleted ? 1 : 0,
    deleted ? now : null,
    JSON.stringify(ids),
  );
}

/** The picture and everything it came from and led to, at most 500. */
export function readLineage(db: ReadableDb, urls: FileUrls, id: number) {
  const family = db.column<number>(
    `WITH RECURSIVE up(id) AS (
       SELECT ? UNION SELECT parent FROM picture_parents JOIN up ON child = up.id),
     down(id) AS (
       SELECT id FROM up UNION SELECT child FROM picture_parents JOIN down ON parent = down.id)
     SELECT id FROM down ORDER BY id LIMIT 500`,
    id,
  );
  const edges = db.all<{ parent: number; child: number; role: string }>(
    `SELECT parent, child, role FROM picture_parents
     WHERE child IN (SELECT value FROM json_each(?)) AND parent IN (SELECT value FROM json_each(?))`,
    JSON.stringify(family),
    JSON.stringify(family),
  );
  return { pictures: readPictures(db, urls, family), edges };
}
