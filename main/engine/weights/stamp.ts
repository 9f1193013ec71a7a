/** How a file is known again without reading it. */
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { badInput } from '../border/failures.ts';

/** A file is known by where it is, how long it is and when it was written. Throws bad input where there is none. */
export function stampOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) throw badInput(`${basename(path)}: there is no such file.`, `Check the path ${path}.`);
  return [path, stats.size, stats.mtimeMs].join('|');
}
