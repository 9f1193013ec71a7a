/**
 * A safetensors file that takes long to make: written tensor by tensor under a temporary name, so that whoever was
 * stopped half-way (cancelled, killed, out of power) goes on from there. The name given holds nothing or all of it.
 */
import { type FileHandle, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { encodeHeader, syncFolder } from '../../../native-models/weights/safetensorsWriter.ts';
import { bytesOf, type TensorDtype } from '../../../native-models/weights/tensors.ts';

/** Tensors that are made together: one layer. `make` returns their bytes in the order of `tensors`. */
export interface TensorGroup {
  readonly tensors: readonly {
    readonly name: string;
    readonly dtype: TensorDtype;
    readonly shape: readonly number[];
  }[];
  readonly make: () => readonly Uint8Array[];
}

/** How a file is written. */
export interface ResumableOptions {
  readonly metadata: Readonly<Record<string, string>>;
  /** Called with the groups done, once at the start and after each. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal: AbortSignal;
  /** Bytes between two syncs: so much of a part found again is not trusted, for power may have failed before the next. */
  readonly syncBytes?: number;
}

const SYNC_BYTES = 64 * 2 ** 20;

/** What the file is called until it is whole. */
export const partialOf = (path: string): string => `${path}.partial`;

/**
 * Writes `groups` to `path`. Their bytes must depend on nothing but the name of the file: a part that another process
 * began is continued, and two at once write the same bytes to the same places.
 */
export async function writeResumable(
  path: string,
  groups: readonly TensorGroup[],
  options: ResumableOptions,
): Promise<void> {
  const header = encodeHeader(
    groups.flatMap(({ tensors }) => tensors),
    options.metadata,
  );
  const handle = await openPart(partialOf(path), header);
  try {
    await writeGroups(handle, header.length, groups, options);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(partialOf(path), path).catch(async (cause: unknown) => {
    // Another process finished first: its file is the same.
    await stat(path).catch(() => {
      throw cause;
    });
  });
  await syncFolder(dirname(path));
}

/** The part there is when it begins with the same header, else a new one. Never shortened: another may be writing it. */
async function openPart(path: string, header: Uint8Array): Promise<FileHandle> {
  const known = await open(path, 'r+').catch(() => undefined);
  if (known) {
    const { buffer } = await known.read({ buffer: new Uint8Array(header.length), position: 0 });
    if (Buffer.compare(buffer, header) === 0) return known;
    await known.close();
  }
  const fresh = await open(path, 'w');
  try {
    await writeAt(fresh, header, 0);
  } catch (error) {
    await fresh.close();
    throw error;
  }
  return fresh;
}

async function writeGroups(
  handle: FileHandle,
  start: number,
  groups: readonly TensorGroup[],
  { onProgress, signal, syncBytes = SYNC_BYTES }: ResumableOptions,
): Promise<void> {
  const trusted = (await handle.stat()).size - syncBytes;
  let end = start;
  let unsynced = 0;
  for (const [index, { tensors, make }] of groups.entries()) {
    signal.throwIfAborted();
    onProgress?.(index, groups.length);
    const begin = end;
    end += tensors.reduce((sum, { dtype, shape }) => sum + bytesOf(dtype, shape), 0);
    if (end <= trusted) continue;
    await writeGroup(handle, make(), begin, end);
    unsynced += end - begin;
    if (unsynced < syncBytes) continue;
    await handle.datasync();
    unsynced = 0;
  }
  onProgress?.(groups.length, groups.length);
}

async function writeGroup(
  handle: FileHandle,
  parts: readonly Uint8Array[],
  begin: number,
  end: number,
): Promise<void> {
  let at = begin;
  for (const bytes of parts) {
    await writeAt(handle, bytes, at);
    at += bytes.length;
  }
  if (at !== end)
    throw new Error(`a group of tensors has ${at - begin} bytes where its shapes need ${end - begin}`);
}

/** A write may take fewer bytes than given. */
async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
