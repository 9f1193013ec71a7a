/** From a file's kind and name to its path: only by what the database records, only below the folders it belongs to. */
import { join } from 'node:path';
import { pictureFile } from '../history/pictures.ts';
import type { Thumbnails } from '../history/thumbnails.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { ReadableDb } from '../storage/database.ts';
import type { DataFolder } from '../storage/dataFolder.ts';
import { FILE_KINDS, type FileKind } from '../storage/urls.ts';
import { noFile, type ServedFile, within } from './within.ts';

/** Who knows where the files lie. */
export interface FilePlaces {
  readonly db: ReadableDb;
  readonly folder: DataFolder;
  readonly thumbnails: Thumbnails;
  readonly jobs: Jobs;
}

/** @throws StudioError `not-found` for anything that is not recorded, is gone, or lies elsewhere. */
export async function findFile(s: FilePlaces, kind: string, name: string): Promise<ServedFile> {
  if (!FILE_KINDS.includes(kind as FileKind) || name.includes('\0') || name.length > 300) throw noFile();
  const { path, root, downloadName } = await FINDERS[kind as FileKind](s, name);
  return { ...(await within(path, root)), ...(downloadName !== undefined && { downloadName }) };
}

interface Located {
  readonly path: string;
  /** The file must really lie below this folder. */
  readonly root: string;
  readonly downloadName?: string;
}

const FINDERS: Readonly<Record<FileKind, (s: FilePlaces, name: string) => Located | Promise<Located>>> = {
  picture: ({ db, folder }, name) => ({
    path: join(folder.pictures, pictureFile(db, idOf(name)).file),
    root: folder.pictures,
  }),
  thumbnail: async ({ db, folder, thumbnails }, name) => {
    const { file, sha256 } = pictureFile(db, idOf(name));
    const source = await within(join(folder.pictures, file), folder.pictures);
    return { path: await thumbnails.of(source.path, sha256), root: folder.thumbnails };
  },
  upload: ({ db, folder }, name) => {
    const file = db.value<string>('SELECT file FROM uploads WHERE sha256 = ?', name);
    if (file === undefined) throw noFile();
    return { path: join(folder.uploads, file), root: folder.uploads };
  },
  model: ({ db, folder }, name) => {
    const row = db.get<{ found: string | null; chosen: string | null; folder: string }>(
      'SELECT m.found_preview AS found, m.user_preview AS chosen, f.path AS folder FROM models m JOIN folders f ON f.id = m.folder_id WHERE m.id = ?',
      idOf(name),
    );
    const path = row?.chosen ?? row?.found;
    if (row === undefined || !path) throw noFile();
    return { path, root: row.chosen === null ? row.folder : folder.root };
  },
  outbox: ({ folder }, name) => ({
    path: join(folder.outbox, plainName(name)),
    root: folder.outbox,
    downloadName: plainName(name),
  }),
  sample: ({ jobs, folder }, name) => {
    const [, job, step] = /^(\d+)-(\d+)$/.exec(name) ?? [];
    const { request } = jobs.get(idOf(job ?? ''));
    if (request.kind !== 'train-lora') throw noFile();
    return { path: join(request.outputDir, `sample-${step}.png`), root: folder.training };
  },
};

function idOf(name: string): number {
  if (!/^\d{1,15}$/.test(name)) throw noFile();
  return Number(name);
}

/** A name without any way out of its folder, on any system. */
function plainName(name: string): string {
  if (/[\\/:]|^\.|\0/.test(name)) throw noFile();
  return name;
}
