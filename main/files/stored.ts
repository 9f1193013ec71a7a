/** From a file's kind and name to its path: only by what the database records, only below the folders it belongs to. */
import { createReadStream, type ReadStream, realpathSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { StudioError } from '../../preload/errors.ts';
import type { Services } from '../app/services.ts';
import { pictureFile } from '../history/pictures.ts';
import { FILE_KINDS, type FileKind } from '../storage/urls.ts';

export interface ServedFile {
  readonly path: string;
  readonly size: number;
  readonly modified: number;
  readonly type: string;
  /** Set for files to be saved rather than shown. */
  readonly downloadName?: string;
}

/** @throws StudioError `not-found` for anything that is not recorded, is gone, or lies elsewhere. */
export async function findFile(s: Services, kind: string, name: string): Promise<ServedFile> {
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

const FINDERS: Readonly<Record<FileKind, (s: Services, name: string) => Located | Promise<Located>>> = {
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

/** The real file behind links must still lie below the real root. */
async function within(path: string, root: string): Promise<ServedFile> {
  try {
    const real = realpathSync(path);
    const stats = statSync(real);
    if (!stats.isFile() || !real.startsWith(realpathSync(root) + sep)) throw noFile();
    return { path: real, size: stats.size, modified: stats.mtimeMs, type: await typeOf(real) };
  } catch (error) {
    throw error instanceof StudioError ? error : noFile();
  }
}

const MAGIC: readonly (readonly [RegExp, string])[] = [
  [/^\x89PNG/, 'image/png'],
  [/^\xff\xd8\xff/, 'image/jpeg'],
  [/^RIFF....WEBP/s, 'image/webp'],
  [/^GIF8/, 'image/gif'],
  [/^....ftypavif/s, 'image/avif'],
];

/** By the first bytes, never by the name: a picture cannot pose as a page. */
async function typeOf(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0);
    const start = buffer.toString('latin1', 0, bytesRead);
    return MAGIC.find(([pattern]) => pattern.test(start))?.[1] ?? 'application/octet-stream';
  } finally {
    await file.close();
  }
}

function noFile(): StudioError {
  return new StudioError('not-found', 'There is no such file.', 'Reload the page.');
}

export interface FileAnswer {
  readonly status: 200 | 206 | 304 | 416;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ReadStream | null;
}

/** Status, headers and body for a request with these Range and If-None-Match headers. One range is answered; of several, all. */
export function answerFile(
  file: ServedFile,
  range: string | undefined,
  ifNoneMatch: string | undefined,
): FileAnswer {
  const etag = `"${file.size.toString(36)}-${Math.round(file.modified).toString(36)}"`;
  const headers = {
    etag,
    'content-type': file.type,
    'accept-ranges': 'bytes',
    'cache-control': 'private, max-age=31536000, immutable',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "sandbox; default-src 'none'",
    ...(file.downloadName !== undefined && {
      'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(file.downloadName)}`,
    }),
  };
  if (ifNoneMatch === etag) return { status: 304, headers, body: null };
  const part = rangeOf(range, file.size);
  if (part === 'impossible')
    return { status: 416, headers: { ...headers, 'content-range': `bytes */${file.size}` }, body: null };
  if (part === null)
    return {
      status: 200,
      headers: { ...headers, 'content-length': String(file.size) },
      body: createReadStream(file.path),
    };
  const [start, end] = part;
  return {
    status: 206,
    headers: {
      ...headers,
      'content-length': String(end - start + 1),
      'content-range': `bytes ${start}-${end}/${file.size}`,
    },
    body: createReadStream(file.path, { start, end }),
  };
}

/** First and last byte, null for the whole file (RFC 9110 §14.1.2). */
function rangeOf(header: string | undefined, size: number): readonly [number, number] | 'impossible' | null {
  const [match, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (match === undefined || (first === '' && last === '')) return null;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return start > end || start >= size ? 'impossible' : [start, end];
}

/** The built window below `root`: index.html for the root, nothing outside, no links out. */
export async function findStatic(root: string, urlPath: string): Promise<ServedFile> {
  const decoded = decodeUrl(urlPath);
  if (/[\\\0]|(^|\/)\.\.?(\/|$)|^\/?[a-z]:/i.test(decoded)) throw noFile();
  const path = join(root, decoded === '/' ? 'index.html' : decoded);
  const file = await within(path, root);
  return { ...file, type: STATIC_TYPES[path.slice(path.lastIndexOf('.'))] ?? file.type };
}

const STATIC_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
};

function decodeUrl(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw noFile();
  }
}

/** Folder of the built window, seen from this file in the sources and in the bundle alike. */
export function defaultWindowDir(): string {
  return join(dirname(import.meta.dirname), '..', 'out', 'renderer');
}
