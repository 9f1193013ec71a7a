/**
 * The safetensors reader: header first, tensors on demand, nothing trusted.
 * Format: u64 LE header length N, N bytes of JSON, then raw little-endian data (huggingface/safetensors).
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { type FloatDtype, toFloat32 } from './dtypes.ts';

/** The library's own limit on the header; a larger one is an attack or not a safetensors file. */
const MAX_HEADER_BYTES = 100_000_000;

export const DTYPE_BYTES = {
  F64: 8, F32: 4, F16: 2, BF16: 2, F8_E4M3: 1, F8_E5M2: 1,
  I64: 8, I32: 4, I16: 2, I8: 1, U64: 8, U32: 4, U16: 2, U8: 1, BOOL: 1,
} as const; // biome-ignore format: one table, read across
export type TensorDtype = keyof typeof DTYPE_BYTES;

/** Where a tensor lies: `offset` is from the start of the file, in bytes. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly byteLength: number;
}

/** An opened weights file: its tensors by name and the `__metadata__` strings. Holds no data and no file handle. */
export interface WeightsFile {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A weights file that cannot be used. The message names the file and the next step. */
export class WeightsError extends Error {
  override readonly name = 'WeightsError';
  readonly path: string;
  constructor(path: string, problem: string, nextStep: string) {
    super(`${basename(path)}: ${problem}. ${nextStep}`);
    this.path = path;
  }
}

const REDOWNLOAD = 'Download or copy the file again';

/** Reads and checks the header of `path`. Allocates no more than the file is long. Throws WeightsError. */
export function openSafetensors(path: string): WeightsFile {
  const fd = openForReading(path);
  try {
    const fileSize = fstatSync(fd).size;
    const header = readHeader(fd, path, fileSize);
    return { path, ...interpretHeader(path, header.json, header.dataStart, fileSize) };
  } finally {
    closeSync(fd);
  }
}

/** Raw little-endian bytes of one tensor. Throws WeightsError when it is missing or the file shrank since it was opened. */
export function readTensorBytes(file: WeightsFile, name: string): Uint8Array<ArrayBuffer> {
  const info = file.tensors.get(name);
  if (!info) throw new WeightsError(file.path, `tensor "${name}" is missing`, 'Use a complete file');
  const fd = openForReading(file.path);
  try {
    return readExactly(fd, file.path, info.offset, info.byteLength);
  } finally {
    closeSync(fd);
  }
}

/** One tensor as float32 values, whatever float type it is stored in. */
export function readFloat32(file: WeightsFile, name: string): Float32Array<ArrayBuffer> {
  const bytes = readTensorBytes(file, name);
  const { dtype } = file.tensors.get(name)!;
  if (!isFloat(dtype)) throw new WeightsError(file.path, `tensor "${name}" holds ${dtype}, not numbers with a fraction`, 'Use a complete file');
  return toFloat32(bytes, dtype);
}

export function isFloat(dtype: TensorDtype): dtype is FloatDtype {
  return dtype.startsWith('F') || dtype === 'BF16';
}

function openForReading(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : 'the file cannot be read';
    throw new WeightsError(path, reason, `Check the path ${path}`);
  }
}

function readExactly(fd: number, path: string, offset: number, byteLength: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(byteLength);
  for (let done = 0; done < byteLength; ) {
    const got = readSync(fd, bytes, done, byteLength - done, offset + done);
    if (got === 0) throw new WeightsError(path, 'the file ends too early', REDOWNLOAD);
    done += got;
  }
  return bytes;
}

function readHeader(fd: number, path: string, fileSize: number): { json: Record<string, unknown>; dataStart: number } {
  if (fileSize < 10) throw new WeightsError(path, `the file is only ${fileSize} bytes long`, REDOWNLOAD);
  const lengthBytes = readExactly(fd, path, 0, 8);
  const length = new DataView(lengthBytes.buffer).getBigUint64(0, true);
  if (lengthBytes[0] === 0x3c) throw new WeightsError(path, 'this is a web page, not a model', 'Download the file itself, not its page');
  if (length > BigInt(Math.min(MAX_HEADER_BYTES, fileSize - 8))) {
    throw new WeightsError(path, `the header claims ${length} bytes in a file of ${fileSize}`, `It is truncated or not a safetensors file. ${REDOWNLOAD}`);
  }
  const text = new TextDecoder().decode(readExactly(fd, path, 8, Number(length)));
  const json = parseJsonObject(text);
  if (!json) throw new WeightsError(path, 'the header is not JSON', `It is damaged or not a safetensors file. ${REDOWNLOAD}`);
  return { json, dataStart: 8 + Number(length) };
}

function parseJsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function interpretHeader(path: string, json: Record<string, unknown>, dataStart: number, fileSize: number): Omit<WeightsFile, 'path'> {
  const tensors = new Map<string, TensorInfo>();
  let metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(json)) {
    if (name === '__metadata__') metadata = stringsOnly(entry);
    else tensors.set(name, interpretEntry(path, name, entry, dataStart));
  }
  checkLayout(path, [...tensors.values()], dataStart, fileSize);
  return { tensors, metadata };
}

function stringsOnly(entry: unknown): Record<string, string> {
  if (typeof entry !== 'object' || entry === null) return {};
  return Object.fromEntries(Object.entries(entry).filter((pair): pair is [string, string] => typeof pair[1] === 'string'));
}

function interpretEntry(path: string, name: string, entry: unknown, dataStart: number): TensorInfo {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
  const bad = (what: string): WeightsError => new WeightsError(path, `tensor "${name}" has ${what}`, REDOWNLOAD);
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPE_BYTES, dtype)) throw bad(`the unknown type ${JSON.stringify(dtype)}`);
  if (!isCountArray(shape)) throw bad('a malformed shape');
  if (!isCountArray(offsets) || offsets.length !== 2 || offsets[1]! < offsets[0]!) throw bad('malformed offsets');
  const byteLength = offsets[1]! - offsets[0]!;
  const expected = shape.reduce((product, dim) => product * dim, DTYPE_BYTES[dtype as TensorDtype]);
  if (byteLength !== expected) throw bad(`${byteLength} bytes where its shape needs ${expected}`);
  return { name, dtype: dtype as TensorDtype, shape, offset: dataStart + offsets[0]!, byteLength };
}

function isCountArray(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

/** The tensors must cover the data without gap or overlap and end exactly at the end of the file. */
function checkLayout(path: string, tensors: TensorInfo[], dataStart: number, fileSize: number): void {
  let end = dataStart;
  for (const tensor of tensors.toSorted((a, b) => a.offset - b.offset || a.byteLength - b.byteLength)) {
    if (tensor.offset !== end) throw new WeightsError(path, `tensor "${tensor.name}" overlaps another or leaves a gap`, REDOWNLOAD);
    end = tensor.offset + tensor.byteLength;
  }
  if (end > fileSize) throw new WeightsError(path, `the file is cut off: ${fileSize} of ${end} bytes are there`, REDOWNLOAD);
  if (end < fileSize) throw new WeightsError(path, `${fileSize - end} bytes too many follow the tensors`, REDOWNLOAD);
}
