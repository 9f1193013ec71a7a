/** What every reader of weight files returns — names, shapes and places of tensors — and how their bytes are read. */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { type FloatDtype, toFloat32 } from './dtypes.ts';

// biome-ignore format: one table, read across
export const DTYPE_BYTES = {
  F64: 8, F32: 4, F16: 2, BF16: 2, F8_E4M3: 1, F8_E5M2: 1,
  I64: 8, I32: 4, I16: 2, I8: 1, U64: 8, U32: 4, U16: 2, U8: 1, BOOL: 1,
} as const;
export type TensorDtype = keyof typeof DTYPE_BYTES;

/** A tensor lying contiguous and little-endian in file `path`, `offset` bytes from the start of that file. */
export interface TensorInfo {
  readonly name: string;
  readonly path: string;
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly byteLength: number;
}

/** An opened weights file: its tensors by name and its metadata strings. Holds no data and no file handle. */
export interface WeightsFile {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Tensors that are in the file but cannot be used where they lie, with the reason (strided views of a .ckpt). */
  readonly skipped?: ReadonlyMap<string, string>;
}

/** A weights file that cannot be used. The message names the file and the next step. */
export class WeightsError extends Error {
  override readonly name = 'WeightsError';
  readonly path: string;
  constructor(path: string, problem: string, nextStep: string) {
    super(`${basename(path)}: ${shortened(problem)}. ${nextStep}`);
    this.path = path;
  }
}

/** Names inside a file may be megabytes long; a message stays one line. */
function shortened(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 300)}…`;
}

export const REDOWNLOAD = 'Download or copy the file again';

/** The most one read call takes; Node refuses more than 2 GiB. */
const MAX_READ_BYTES = 2 ** 30;

/** Raw little-endian bytes of one tensor. Throws WeightsError when the file shrank since it was opened. */
export function readTensor(info: TensorInfo): Uint8Array<ArrayBuffer> {
  return withRegularFile(info.path, (fd, size) => {
    if (info.offset + info.byteLength > size) throw endsTooEarly(info.path);
    return readExactly(fd, info.path, info.offset, info.byteLength);
  });
}

/** One tensor as float32 values, whatever float type it is stored in. Throws WeightsError for integers. */
export function readTensorFloat32(info: TensorInfo): Float32Array<ArrayBuffer> {
  const { dtype, path, name } = info;
  if (!isFloat(dtype)) {
    throw new WeightsError(
      path,
      `tensor "${name}" holds ${dtype}, not numbers with a fraction`,
      'Use a complete file',
    );
  }
  return toFloat32(readTensor(info), dtype);
}

/** The bytes of a tensor in pieces of at most `chunkBytes` (a multiple of 8), for looking at gigabytes in little memory. */
export function* tensorChunks(info: TensorInfo, chunkBytes: number): Generator<Uint8Array<ArrayBuffer>> {
  for (let done = 0; done < info.byteLength; done += chunkBytes) {
    const byteLength = Math.min(chunkBytes, info.byteLength - done);
    yield readTensor({ ...info, offset: info.offset + done, byteLength });
  }
}

/** As `readTensor`, by name. Throws WeightsError when the tensor is missing. */
export function readTensorBytes(file: WeightsFile, name: string): Uint8Array<ArrayBuffer> {
  return readTensor(tensorNamed(file, name));
}

/** As `readTensorFloat32`, by name. Throws WeightsError when the tensor is missing. */
export function readFloat32(file: WeightsFile, name: string): Float32Array<ArrayBuffer> {
  return readTensorFloat32(tensorNamed(file, name));
}

/** Whether values of this type can be read as float32. */
export function isFloat(dtype: TensorDtype): dtype is FloatDtype {
  return dtype.startsWith('F') || dtype === 'BF16';
}

/** Bytes a tensor of this type and shape takes. NaN or beyond 2^53 for absurd shapes: compare, never allocate by it. */
export function bytesOf(dtype: TensorDtype, shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, DTYPE_BYTES[dtype]);
}

/** Runs `use` on an open file, closing it after. Refuses what is not a regular file: a pipe would wait for ever. */
export function withRegularFile<T>(path: string, use: (fd: number, size: number) => T): T {
  const fd = openRegularFile(path);
  try {
    return use(fd, fstatSync(fd).size);
  } finally {
    closeSync(fd);
  }
}

/** Exactly `byteLength` bytes at `offset`; the caller has checked them against the file's size. */
export function readExactly(
  fd: number,
  path: string,
  offset: number,
  byteLength: number,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(byteLength);
  for (let done = 0; done < byteLength; ) {
    const got = readSync(fd, bytes, done, Math.min(byteLength - done, MAX_READ_BYTES), offset + done);
    if (got === 0) throw endsTooEarly(path);
    done += got;
  }
  return bytes;
}

function tensorNamed(file: WeightsFile, name: string): TensorInfo {
  const info = file.tensors.get(name);
  if (info) return info;
  const reason = file.skipped?.get(name) ?? 'is missing';
  throw new WeightsError(file.path, `tensor "${name}" ${reason}`, 'Use a complete file');
}

function endsTooEarly(path: string): WeightsError {
  return new WeightsError(path, 'the file ends too early', REDOWNLOAD);
}

function openRegularFile(path: string): number {
  try {
    if (!statSync(path).isFile())
      throw new WeightsError(path, 'this is not a file', `Choose a model file instead of ${path}`);
    return openSync(path, 'r');
  } catch (cause) {
    if (cause instanceof WeightsError) throw cause;
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new WeightsError(
      path,
      missing ? 'there is no such file' : 'the file cannot be read',
      `Check the path ${path}`,
    );
  }
}
