/** The folder of copies that can be made again (float32, packed, overlays): the latest used stay, within a bound. */
import { mkdirSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CanonicalTensors } from '../../../native-models/weights/keys.ts';
import { openSafetensors } from '../../../native-models/weights/safetensors.ts';
import { WeightsError } from '../../../native-models/weights/tensors.ts';

/** What all copies together may take: five full-size checkpoints in float32. */
export const CACHE_BYTES = 20 * 2 ** 30;

/**
 * The tensors of the copy at `path`; `make` writes it where there is none, or one that is damaged. Made or found, it is then
 * the latest used, and its folder is brought back to its bound.
 */
export async function copyAt(
  path: string,
  make: () => Promise<void>,
  limit?: number,
): Promise<CanonicalTensors> {
  let tensors = wholeCopy(path);
  if (!tensors) {
    mkdirSync(dirname(path), { recursive: true });
    await make();
    ({ tensors } = openSafetensors(path));
  }
  touch(path);
  trimCache(dirname(path), [path], limit);
  return tensors;
}

function wholeCopy(path: string): CanonicalTensors | undefined {
  try {
    return openSafetensors(path).tensors;
  } catch {
    return undefined; // none, or a damaged one: made again, and what hinders that is told then
  }
}

/** Notes that a file was used: the time of its last change says when. */
function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // A folder that cannot be written loses no copies either.
  }
}

/**
 * Why no copy could be made in `folder`, as half a sentence; undefined for an error that has nothing to do with it.
 * Whoever wanted a copy can do without one.
 */
export function cacheProblem(folder: string, error: unknown): string | undefined {
  if (error instanceof WeightsError)
    return dirname(error.path) === folder ? error.message.replace(/\.$/, '') : undefined;
  if (!(error instanceof Error)) return undefined;
  const { code, syscall }: NodeJS.ErrnoException = error;
  // A read that fails is the checkpoint's.
  if (code === undefined || syscall === undefined || syscall === 'read') return undefined;
  if (isFull(error)) return `there is no space left on the disk of ${folder}`;
  return `the folder ${folder} cannot be written (${code})`;
}

/** Whether no space is left, on the disk or for this user. */
export function isFull({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/**
 * Deletes copies, the longest unused first, until `limit` bytes are kept; never those in `keep`.
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
    } catch {
      // On Windows, where another process still maps it: the next time will do.
    }
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // gone, or not to be read: nothing to delete
  }
}
