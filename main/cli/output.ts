/** Pictures as files: numbered, never over another file, whole or not at all. */
import { randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { link, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { GenerationRequest } from '../../preload/request.ts';
import { badInput } from '../engine/border/failures.ts';
import type { EngineResult } from '../engine/border/protocol.ts';
import { encodeWithMetadata } from '../images/metadata/write.ts';
import { makeFolder } from '../storage/makeFolder.ts';

/** Makes the folder, for pictures or a training run; throws before any work is done when nothing can be written there. */
export function usableFolder(folder: string): void {
  try {
    makeFolder(folder);
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    throw badInput(
      `${folder} cannot be written to (${(cause as NodeJS.ErrnoException).code}).`,
      'Choose another folder with --out.',
    );
  }
}

/** Writes the pictures with their settings inside; `only` keeps one of the batch. Returns the paths. */
export async function savePictures(
  result: Extract<EngineResult, { kind: 'images' }>,
  request: GenerationRequest,
  folder: string,
  only?: number,
): Promise<string[]> {
  const files: string[] = [];
  for (const [batchIndex, image] of result.images.entries()) {
    if (only !== undefined && only !== batchIndex) continue;
    const bytes = await encodeWithMetadata(image, 'png', { request, batchIndex, ...result.graph });
    files.push(await writeNew(() => nextNumber(folder, result.seeds[batchIndex]!), bytes));
  }
  return files;
}

/** 00001-seed.png, one more than the highest number there. */
function nextNumber(folder: string, seed: string): string {
  const numbers = readdirSync(folder).map((name) => Number(/^(\d{5,})-\d+\.png$/.exec(name)?.[1] ?? 0));
  let number = Math.max(0, ...numbers) + 1;
  const nameOf = (): string => join(folder, `${String(number).padStart(5, '0')}-${seed}.png`);
  while (existsSync(nameOf())) number++;
  return nameOf();
}

/** stem.png, or stem-2.png where that is taken, and so on. */
export function freeName(folder: string, stem: string): string {
  let path = join(folder, `${stem}.png`);
  for (let i = 2; existsSync(path); i++) path = join(folder, `${stem}-${i}.png`);
  return path;
}

/** As writeWhole, under the next free name, even where another process takes that at the same moment. Returns the path. */
export async function writeNew(nextName: () => string, bytes: Uint8Array): Promise<string> {
  let path = nextName();
  while (!(await writeWhole(path, bytes))) path = nextName();
  return path;
}

/** Gives a finished file its name; false when that is taken. */
async function place(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path);
  } catch (error) {
    const isTaken = (error as NodeJS.ErrnoException).code === 'EEXIST';
    // A file system without hard links has no other way, and there is next to no time between the look and this.
    await (isTaken ? unlink(temporary) : rename(temporary, path));
    return !isTaken;
  }
  await unlink(temporary);
  return true;
}

/** Temporary name, fsync, then its own: a full disk leaves no half picture. False when the name was taken meanwhile. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<boolean> {
  const temporary = `${path}.${randomBytes(4).toString('hex')}.partial`;
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    return await place(temporary, path);
  } catch (cause) {
    await unlink(temporary).catch(() => undefined);
    const { code } = cause as NodeJS.ErrnoException;
    throw badInput(
      `${path}: the picture could not be written (${code}).`,
      code === 'ENOSPC' ? 'Free some disk space and try again.' : 'Choose another folder with --out.',
    );
  }
}
