/** Files of the command line as references in a request. */
import { basename } from 'node:path';

/** The name is the file's, without folder and extension, as prompts and other programs use it. */
export function modelRef(path: string): { name: string; path: string } {
  return { name: basename(path), path };
}
