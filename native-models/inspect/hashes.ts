/** The hashes by which tools and model sites call a file, all from one pass over it. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { WeightsError } from '../weights/tensors.ts';

export interface FileHashes {
  /** Of the whole file, 64 hex digits. */
  readonly sha256: string;
  /** 8 hex digits of 64 KiB at 1 MiB: the `Model hash` of 2022. Shorter files give what they have there. */
  readonly autoV1: string;
  /** The first 10 of sha256: A1111's `Model hash`. */
  readonly autoV2: string;
  /** The first 12 of the sha256 of everything behind a safetensors header: `Lora hashes`; null for other files. */
  readonly autoV3: string | null;
}

export interface HashOptions {
  readonly signal?: AbortSignal;
  /** Called after each piece read. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

const AUTO_V1_START = 0x100000;
const AUTO_V1_BYTES = 0x10000;
const PIECE_BYTES = 4 * 2 ** 20;

/** Reads the file once, in little memory. Throws WeightsError when it cannot be read, the signal's reason when aborted. */
export async function hashFile(path: string, options: HashOptions = {}): Promise<FileHashes> {
  const total = await sizeOf(path);
  try {
    return await hashStream(path, total, options);
  } catch (cause) {
    if (cause instanceof Error && 'syscall' in cause)
      throw new WeightsError(path, 'the file cannot be read', `Check the path ${path}`);
    throw cause;
  }
}

async function hashStream(
  path: string,
  total: number,
  { signal, onProgress }: HashOptions,
): Promise<FileHashes> {
  const pieces: AsyncIterable<Buffer> = createReadStream(path, {
    highWaterMark: PIECE_BYTES,
    ...(signal && { signal }),
  });
  const whole = createHash('sha256');
  const v1 = createHash('sha256');
  const v3 = createHash('sha256');
  let dataStart: number | null = null;
  let done = 0;
  for await (const piece of pieces) {
    if (done === 0) dataStart = headerEnd(piece, total);
    whole.update(piece);
    v1.update(within(piece, done, AUTO_V1_START, AUTO_V1_START + AUTO_V1_BYTES));
    if (dataStart !== null) v3.update(within(piece, done, dataStart, total));
    done += piece.length;
    onProgress?.(done, total);
  }
  const sha256 = whole.digest('hex');
  const autoV3 = dataStart === null ? null : v3.digest('hex').slice(0, 12);
  return { sha256, autoV1: v1.digest('hex').slice(0, 8), autoV2: sha256.slice(0, 10), autoV3 };
}

/** The part of `piece`, which begins at `offset` in the file, that lies in [from, to). */
function within(piece: Buffer, offset: number, from: number, to: number): Buffer {
  return piece.subarray(Math.max(0, from - offset), Math.max(0, to - offset));
}

/** Where a safetensors file's data begins; null when the file does not begin like one. */
function headerEnd(start: Buffer, fileSize: number): number | null {
  if (start.length < 10 || start[8] !== 0x7b /* { */) return null;
  const length = start.readBigUInt64LE(0);
  return length <= BigInt(fileSize - 8) ? 8 + Number(length) : null;
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile()) return found.size;
  throw new WeightsError(
    path,
    found ? 'this is not a file' : 'there is no such file',
    `Check the path ${path}`,
  );
}
