/** Makes a folder wherever one is asked for. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** With the folders above it. Node's own `recursive` never returns where a file system makes no folders (/proc, an automounter). */
export function makeFolder(folder: string): void {
  const isFolder = (): boolean => statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (isFolder()) return;
  if (dirname(folder) !== folder) makeFolder(dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another process may have been faster.
    if (!isFolder()) throw error;
  }
}
