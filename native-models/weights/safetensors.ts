/**
 * The safetensors reader: header first, tensors on demand, nothing trusted.
 * Format: u64 LE header length N, N bytes of JSON, then raw little-endian data (huggingface/safetensors).
 */
import {
  bytesOf,
  DTYPE_BYTES,
  REDOWNLOAD,
  readExactly,
  type TensorDtype,
  type TensorInfo,
  WeightsError,
  type WeightsFile,
  withRegularFile,
} from './tensors.ts';

export { readFloat32, readTensorBytes, WeightsError, type WeightsFile } from './tensors.ts';

/** The library's own limit on the header; a larger one is an attack or not a safetensors file. */
const MAX_HEADER_BYTES = 100_000_000;

/** How files that are often mistaken for models begin, and what to do about each. */
const LOOKALIKES: readonly (readonly [start: RegExp, what: string, nextStep: string])[] = [
  [/^\s*</, 'this is a web page, not a model', 'Download the file itself, not its page'],
  [
    /^version https:\/\/git-lfs/,
    'this is a Git LFS pointer, not the model',
    'Download the file itself, or run "git lfs pull"',
  ],
  [
    /^\s*\{\s*"/,
    'this is a JSON text, not a model',
    'Download the file itself; the text may be an error message',
  ],
];

/** Reads and checks the header of `path`. Allocates no more than the file is long. Throws WeightsError. */
export function openSafetensors(path: string): WeightsFile {
  return withRegularFile(path, (fd, fileSize) => {
    const { json, dataStart } = readHeader(fd, path, fileSize);
    return { path, ...interpretHeader(path, json, dataStart, fileSize) };
  });
}

type JsonObject = Record<string, unknown>;

function readHeader(fd: number, path: string, fileSize: number): { json: JsonObject; dataStart: number } {
  if (fileSize < 10) throw new WeightsError(path, `the file is only ${fileSize} bytes long`, REDOWNLOAD);
  const length = new DataView(readExactly(fd, path, 0, 8).buffer).getBigUint64(0, true);
  if (length > BigInt(Math.min(MAX_HEADER_BYTES, fileSize - 8)))
    throw absurdLength(fd, path, fileSize, length);
  const text = decodeUtf8(readExactly(fd, path, 8, Number(length)));
  const json = text === undefined ? undefined : parseObject(text);
  if (text === undefined || json === undefined) {
    throw new WeightsError(
      path,
      'the header is not JSON',
      `It is damaged or not a safetensors file. ${REDOWNLOAD}`,
    );
  }
  const repeated = repeatedKey(text);
  if (repeated !== undefined)
    throw new WeightsError(path, `tensor "${repeated}" is listed twice`, REDOWNLOAD);
  return { json, dataStart: 8 + Number(length) };
}

/** The first eight bytes are not a length: say what the file seems to be instead. */
function absurdLength(fd: number, path: string, fileSize: number, length: bigint): WeightsError {
  const start = new TextDecoder('latin1').decode(readExactly(fd, path, 0, Math.min(64, fileSize)));
  const lookalike = LOOKALIKES.find(([pattern]) => pattern.test(start));
  if (lookalike) return new WeightsError(path, lookalike[1], lookalike[2]);
  const problem = `the header claims ${length} bytes in a file of ${fileSize}`;
  return new WeightsError(path, problem, `It is truncated or not a safetensors file. ${REDOWNLOAD}`);
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The first key that valid JSON `text` has twice at its outermost level; JSON.parse would keep only the last. */
function repeatedKey(text: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '{' || char === '[') depth++;
    else if (char === '}' || char === ']') depth--;
    else if (char === '"') {
      const end = closingQuote(text, i);
      if (depth === 1 && colonFollows(text, end + 1)) {
        const key: string = JSON.parse(text.slice(i, end + 1));
        if (seen.has(key)) return key;
        seen.add(key);
      }
      i = end;
    }
  }
  return undefined;
}

function colonFollows(text: string, index: number): boolean {
  const colon = /\s*:/y;
  colon.lastIndex = index;
  return colon.test(text);
}

/** Where the JSON string opened at `start` ends: the next quote after an even number of backslashes. */
function closingQuote(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return end;
  }
}

function interpretHeader(
  path: string,
  json: JsonObject,
  dataStart: number,
  fileSize: number,
): Omit<WeightsFile, 'path'> {
  const tensors = new Map<string, TensorInfo>();
  let metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(json)) {
    if (name === '__metadata__') metadata = stringsOnly(entry);
    else tensors.set(name, interpretEntry(path, name, entry, dataStart));
  }
  checkLayout(path, [...tensors.values()], dataStart, fileSize);
  return { tensors, metadata };
}

/** Metadata never decides whether a file opens, so what is not a string is left out. Keys are the file's, "__proto__" too. */
function stringsOnly(entry: unknown): Record<string, string> {
  if (!isObject(entry)) return {};
  return Object.fromEntries(
    Object.entries(entry).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  );
}

function interpretEntry(path: string, name: string, entry: unknown, dataStart: number): TensorInfo {
  const { dtype, shape, data_offsets: offsets } = isObject(entry) ? entry : ({} as JsonObject);
  const bad = (what: string): WeightsError =>
    new WeightsError(path, `tensor "${name}" has ${what}`, REDOWNLOAD);
  if (!isDtype(dtype)) throw bad(`the unknown type ${JSON.stringify(dtype)}`);
  if (!isCountArray(shape)) throw bad('a malformed shape');
  if (!isCountArray(offsets) || offsets.length !== 2) throw bad('malformed offsets');
  const [begin, end] = offsets as [number, number];
  if (end < begin) throw bad('malformed offsets');
  const expected = bytesOf(dtype, shape);
  if (end - begin !== expected) throw bad(`${end - begin} bytes where its shape needs ${expected}`);
  return { name, path, dtype, shape, offset: dataStart + begin, byteLength: end - begin };
}

function isDtype(value: unknown): value is TensorDtype {
  return typeof value === 'string' && Object.hasOwn(DTYPE_BYTES, value);
}

function isCountArray(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

/** The tensors must cover the data without gap or overlap and end exactly at the end of the file. */
function checkLayout(path: string, tensors: TensorInfo[], dataStart: number, fileSize: number): void {
  let end = dataStart;
  for (const tensor of tensors.toSorted((a, b) => a.offset - b.offset || a.byteLength - b.byteLength)) {
    if (tensor.offset !== end) {
      throw new WeightsError(path, `tensor "${tensor.name}" overlaps another or leaves a gap`, REDOWNLOAD);
    }
    end = tensor.offset + tensor.byteLength;
  }
  if (end > fileSize)
    throw new WeightsError(path, `the file is cut off: ${fileSize} of ${end} bytes are there`, REDOWNLOAD);
  if (end < fileSize)
    throw new WeightsError(path, `${fileSize - end} bytes too many follow the tensors`, REDOWNLOAD);
}
