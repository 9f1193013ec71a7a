/** The built window’s own files. */
import { dirname, join } from 'node:path';
import { noFile, type ServedFile, within } from './within.ts';

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
