/** The folder of copies that can be made again (float32, packed, overlays): the latest used stay, within a bound. */
import { readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';

/** What all copies together may take: five full-size checkpoints in float32. */
export const CACHE_BYTES = 20 * 2 ** 30;

/** Notes that a file was used: the time of its last change says when. */
export function touch(path: string): void {
  utimesSync(path, new Date(), new Date());
}

/**
 * Deletes copies, the longest unused first, until `limit` bytes are kept; never those in `keep`. A file that another
 * process still maps cannot be deleted on Windows; the next time will do.
 */
export function trimCache(folder: string, keep: readonly string[], limit = CACHE_BYTES): void {
  const files = readdirSync(folder)
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
