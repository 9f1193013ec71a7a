/**
 * The safetensors writer: streamed, deterministic, and never leaving half a file behind.
 * Layout as the reference library writes it: wide types first, then by name, header padded with spaces to 8 bytes.
 */
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { toHalfBytes } from './dtypes.ts';
import { bytesOf, DTYPE_BYTES, type TensorDtype, WeightsError } from './tensors.ts';

/** A tensor to be written. `read` is called once, when its turn comes, so that only one is held in memory. */
export interface TensorSource {
  readonly name: string;
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  readonly read: () => Uint8Array;
}

/** A source from float32 values, stored as they are or rounded to half precision. */
export function floatSource(
  name: string,
  shape: readonly number[],
  values: Float32Array<ArrayBuffer>,
  dtype: 'F32' | 'F16' = 'F32',
): TensorSource {
  const bytes = (): Uint8Array => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { name, dtype, shape, read: dtype === 'F16' ? () => toHalfBytes(values) : bytes };
}

/**
 * Writes `tensors` and the `metadata` strings to `path`: to a temporary name first, then fsync and rename, so that
 * `path` is always either what it was or complete. The same content gives the same bytes, whatever its order.
 * Throws WeightsError (a repeated name, bytes that do not fit their shape, a full disk, a read-only folder).
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<TensorSource>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const ordered = inFileOrder(path, tensors);
  const header = encodeHeader(ordered, metadata);
  const temporary = `${path}.${randomBytes(4).toString('hex')}.partial`;
  try {
    await writeDurably(temporary, path, header, ordered);
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    await unlink(temporary).catch(() => undefined);
    throw isSystemError(cause) ? writeError(path, cause) : cause;
  }
}

function inFileOrder(path: string, tensors: Iterable<TensorSource>): TensorSource[] {
  const ordered = [...tensors].sort(
    (a, b) => DTYPE_BYTES[b.dtype] - DTYPE_BYTES[a.dtype] || (a.name < b.name ? -1 : 1),
  );
  const names = new Set<string>(['__metadata__']);
  for (const { name } of ordered) {
    if (names.has(name))
      throw new WeightsError(path, `the tensor name "${name}" is taken`, 'Give each tensor its own name');
    names.add(name);
  }
  return ordered;
}

/** The length and the JSON of a file with these tensors in this order. Entries go through a Map's order, never through an object, where "2" would come before "10". */
export function encodeHeader(
  ordered: readonly Pick<TensorSource, 'name' | 'dtype' | 'shape'>[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const entries: string[] = [];
  const strings = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  if (strings.length > 0) entries.push(`"__metadata__":{${strings.map(jsonPair).join(',')}}`);
  let end = 0;
  for (const { name, dtype, shape } of ordered) {
    const begin = end;
    end += bytesOf(dtype, shape);
    entries.push(jsonPair([name, { dtype, shape, data_offsets: [begin, end] }]));
  }
  const json = new TextEncoder().encode(`{${entries.join(',')}}`);
  const header = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  header.set(json, 8);
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true);
  return header;
}

function jsonPair([key, value]: readonly [string, unknown]): string {
  return `${JSON.stringify(key)}:${JSON.stringify(value)}`;
}

async function writeDurably(
  temporary: string,
  path: string,
  header: Uint8Array,
  ordered: readonly TensorSource[],
): Promise<void> {
  const handle = await open(temporary, 'wx');
  try {
    await writeAll(handle, header);
    for (const source of ordered) {
      const bytes = source.read();
      const expected = bytesOf(source.dtype, source.shape);
      if (bytes.length !== expected) {
        throw new WeightsError(
          path,
          `tensor "${source.name}" has ${bytes.length} bytes where its shape needs ${expected}`,
          'Correct its shape',
        );
      }
      await writeAll(handle, bytes);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A write may take fewer bytes than given, above all beyond 2 GiB. */
async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, Math.min(bytes.length - done, 2 ** 30));
    done += bytesWritten;
  }
}

/** Makes the rename itself survive a power cut, where folders can be synced (not on Windows, nor on some network disks). */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

function isSystemError(cause: unknown): cause is NodeJS.ErrnoException & { code: string } {
  return cause instanceof Error && 'syscall' in cause && 'code' in cause;
}

function writeError(path: string, cause: { code: string }): WeightsError {
  const folder = dirname(path);
  if (cause.code === 'ENOSPC')
    return new WeightsError(path, 'the disk is full', `Free some space on the disk of ${folder}`);
  if (cause.code === 'ENOENT')
    return new WeightsError(path, `there is no folder ${folder}`, 'Make the folder first');
  return new WeightsError(
    path,
    `${basename(folder)} cannot be written to (${cause.code})`,
    `Choose another folder than ${folder}`,
  );
}
