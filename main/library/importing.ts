/** Takes a model file into the library (moved, copied or in place) and out of it again (to the system's bin). */
import { constants, copyFile, mkdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { StudioError } from '../../preload/errors.ts';
import type { ModelType } from '../../preload/models.ts';
import { diskError } from '../storage/fileStore.ts';
import { OWN_FOLDERS } from './folders.ts';

/** Moves a file to the system's bin; Electron and serve each have their own. */
export type MoveToBin = (path: string) => Promise<void>;

/** Kept free after a copy or download, so that the database can go on writing. */
export const DISK_RESERVE = 256 * 2 ** 20;

/**
 * Brings a file below the studio's models folder under a name that is free there.
 * @returns the new path. A copy that fails leaves nothing behind; a move across disks deletes the source last.
 */
export async function takeIn(
  source: string,
  how: 'move' | 'copy',
  type: ModelType,
  modelsDir: string,
): Promise<string> {
  const path = resolve(source);
  const { size } = await fileAt(path);
  const folder = join(modelsDir, OWN_FOLDERS[type] ?? 'other');
  await mkdir(folder, { recursive: true });
  const target = await claimName(folder, basename(path));
  try {
    if (how === 'move' && (await renamed(path, target))) return target;
    await requireSpace(folder, size);
    await copyWhole(path, target);
    if (how === 'move') await rm(path);
    return target;
  } finally {
    arriving.delete(target);
  }
}

async function copyWhole(path: string, target: string): Promise<void> {
  const temporary = `${target}.part`;
  try {
    await copyFile(path, temporary, constants.COPYFILE_FICLONE);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw diskError(error, target);
  }
}

/** Where files are on their way to: two that arrive at once under one name must not take each other's place. */
const arriving = new Set<string>();

/** As freeName, kept for the caller until taken off `arriving`. */
function claimName(folder: string, name: string): Promise<string> {
  return firstName(folder, name, async (path) => {
    if (arriving.has(path)) return false;
    // Claimed before it is looked at, or another could arrive meanwhile.
    arriving.add(path);
    if (await isFree(path)) return true;
    arriving.delete(path);
    return false;
  });
}

/** @throws StudioError `disk-full` when fewer than `bytes` plus a reserve are free. */
export async function requireSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= bytes + DISK_RESERVE) return;
  const megabytes = (count: number) => `${Math.ceil(count / 2 ** 20)} MiB`;
  throw new StudioError(
    'disk-full',
    `${folder} has ${megabytes(bavail * bsize)} free; ${megabytes(bytes + DISK_RESERVE)} are needed.`,
    'Free some space, or use the file where it lies.',
  );
}

/** A name not taken in `folder`: "name.safetensors", "name (2).safetensors", … */
export function freeName(folder: string, name: string): Promise<string> {
  return firstName(folder, name, isFree);
}

async function firstName(
  folder: string,
  name: string,
  accepts: (path: string) => Promise<boolean>,
): Promise<string> {
  for (let number = 1; ; number++) {
    const path = join(folder, number === 1 ? name : name.replace(/(\.[^.]*)?$/, ` (${number})$1`));
    if (await accepts(path)) return path;
  }
}

async function isFree(path: string): Promise<boolean> {
  return !(await exists(path)) && !(await exists(`${path}.part`));
}

/** False across disks, where a rename is not possible. */
async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EXDEV') return false;
    throw diskError(error, dirname(to));
  }
}

async function fileAt(path: string): Promise<{ size: number }> {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isFile()) return stats;
  throw new StudioError('not-found', `There is no file ${path}.`, 'Check the path; is the drive connected?');
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
