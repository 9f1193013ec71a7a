/** What may leave a folder: a file that is really below it, told by its first bytes. */
import { realpathSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { sep } from 'node:path';
import { StudioError } from '../../preload/errors.ts';

export interface ServedFile {
  readonly path: string;
  readonly size: number;
  readonly modified: number;
  readonly type: string;
  /** Set for files to be saved rather than shown. */
  readonly downloadName?: string;
}

/** The real file behind links must still lie below the real root. @throws StudioError `not-found`. */
export async function within(path: string, root: string): Promise<ServedFile> {
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

/** One answer for all that is not there, lies elsewhere or is none of the caller’s business. */
export function noFile(): StudioError {
  return new StudioError('not-found', 'There is no such file.', 'Reload the page.');
}
