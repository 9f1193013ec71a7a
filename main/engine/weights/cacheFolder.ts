/** The folder of copies that can be made again (float32, packed, overlays): the latest used stay, within a bound. */
import { readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { WeightsError } from '../../../native-models/weights/tensors.ts';

/** What all copies together may take: five full-size checkpoints in float32. */
export const CACHE_BYTES = 20 * 2 ** 30;

/** Notes that a file was used: the time of its last change says when. In a folder that cannot be written nothing is noted. */
export function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {}
}

/**
 * Why no copy could be made in `folder`, as half a sentence; undefined for an error that has nothing to do with it.
 * Whoever wanted a copy can do without one.
 */
export function cacheProblem(folder: string, error: unknown): string | undefined {
  if (error instanceof WeightsError)
    return dirname(error.path) === folder ? error.message.replace(/\.$/, '') : undefined;
  const { code, syscall } = error as NodeJS.ErrnoException;
  // A read that fails is the checkpoint's.
  if (!(error instanceof Error) || code === undefined || syscall === undefined || syscall === 'read')
    return undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT') return `there is no space left on the disk of ${folder}`;
  return `the folder ${folder} cannot be written (${code})`;
}

/**
 * Deletes copies, the longest unused first, until `limit` bytes are kept; never those in `keep`. A file that another
 * process still maps cannot be deleted on Windows; the next time will do.
 */
export function trimCache(folder: string, keep: readonly string[], limit = CACHE_BYTES): void {
  const files = namesIn(folder)
    .filter((name) => /\.safetensors(\.partial)?$/.test(name))
    .map((name) => join(folder, name))
    .flatMap((path) => {
      const stats = statSync(path, { throwIfNoEntry: false });
      return stats ? [{ path, size: stats.size, used: stats.mtimeMs }] : [];
    })
    .sort((a, b) => b.used - a.used);
  let total = files.reduce((sum, { size }) => sum + size, 0);
  for (const { path, size } of files.toReversed()) {
    if (total <= limit) return;
    if (keep.includes(path)) continue;
    try {
      rmSync(path);
      total -= size;
    } catch {}
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // gone, or not to be read: nothing to delete
  }
}
