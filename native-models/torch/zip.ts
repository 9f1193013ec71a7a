/**
 * The directory of a zip archive, as torch.save makes it: entries stored uncompressed, possibly beyond 4 GiB.
 * Only where entries lie is read; format: PKWARE APPNOTE 6.3, §4.3 (zip64: §4.5.3).
 */
import { REDOWNLOAD, readExactly, WeightsError } from '../weights/tensors.ts';

/** An entry's bytes, from the start of the file. */
interface ZipEntry {
  readonly offset: number;
  readonly size: number;
}

interface ZipArchive {
  readonly names: readonly string[];
  /** Throws WeightsError when there is no such entry, or it is compressed or encrypted or not where it should be. */
  locate(name: string): ZipEntry;
}

interface DirectoryRecord {
  readonly flags: number;
  readonly method: number;
  readonly size: number;
  readonly header: number;
}

const END = { signature: 0x06054b50, bytes: 22 };
const END64 = { signature: 0x06064b50, bytes: 56 };
const LOCATOR64 = { signature: 0x07064b50, bytes: 20 };
const RECORD = { signature: 0x02014b50, bytes: 46 };
const LOCAL = { signature: 0x04034b50, bytes: 30 };
/** The end record is followed by a comment of at most this length. */
const MAX_COMMENT = 0xffff;
/** A checkpoint has a few thousand entries of about a hundred bytes. */
const MAX_DIRECTORY_BYTES = 32 * 2 ** 20;
const STORED = 0;
const ENCRYPTED = 1;
const SATURATED_32 = 0xffffffff;

/** Reads the directory. Throws WeightsError; allocates at most the file's size. */
export function openZip(fd: number, path: string, fileSize: number): ZipArchive {
  const read: Read = (offset, length) => {
    if (offset < 0 || length < 0 || offset + length > fileSize)
      throw damaged(path, 'points outside the file');
    return new DataView(readExactly(fd, path, offset, length).buffer);
  };
  const { start, size } = findDirectory(read, path, fileSize);
  if (size > MAX_DIRECTORY_BYTES) throw damaged(path, `claims ${size} bytes`);
  const records = readRecords(read(start, size), path);
  return { names: [...records.keys()], locate: (name) => locate(read, path, name, records.get(name)) };
}

type Read = (offset: number, length: number) => DataView;

function damaged(path: string, how: string): WeightsError {
  return new WeightsError(path, `its zip directory ${how}`, REDOWNLOAD);
}

/** The end record is the last thing in the file; its comment's length must lead exactly to the file's end. */
function findDirectory(read: Read, path: string, fileSize: number): { start: number; size: number } {
  const tail = read(
    Math.max(0, fileSize - END.bytes - MAX_COMMENT),
    Math.min(fileSize, END.bytes + MAX_COMMENT),
  );
  for (let at = tail.byteLength - END.bytes; at >= 0; at--) {
    if (tail.getUint32(at, true) !== END.signature) continue;
    if (at + END.bytes + tail.getUint16(at + 20, true) !== tail.byteLength) continue;
    const size = tail.getUint32(at + 12, true);
    const start = tail.getUint32(at + 16, true);
    const end = fileSize - tail.byteLength + at;
    return start === SATURATED_32 || size === SATURATED_32
      ? findDirectory64(read, path, end)
      : { start, size };
  }
  throw new WeightsError(path, 'the end of the zip archive is missing', `It is cut off. ${REDOWNLOAD}`);
}

function findDirectory64(read: Read, path: string, end: number): { start: number; size: number } {
  const locator = read(end - LOCATOR64.bytes, LOCATOR64.bytes);
  if (locator.getUint32(0, true) !== LOCATOR64.signature) throw damaged(path, 'has no 64-bit locator');
  const record = read(integer64(locator, 8, path), END64.bytes);
  if (record.getUint32(0, true) !== END64.signature) throw damaged(path, 'has no 64-bit end');
  return { size: integer64(record, 40, path), start: integer64(record, 48, path) };
}

function integer64(view: DataView, at: number, path: string): number {
  const value = Number(view.getBigUint64(at, true));
  if (!Number.isSafeInteger(value)) throw damaged(path, 'points outside the file');
  return value;
}

function readRecords(view: DataView, path: string): Map<string, DirectoryRecord> {
  const records = new Map<string, DirectoryRecord>();
  for (let at = 0; at < view.byteLength; ) {
    if (at + RECORD.bytes > view.byteLength || view.getUint32(at, true) !== RECORD.signature)
      throw damaged(path, 'is malformed');
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) =>
      view.getUint16(at + field, true),
    ) as [number, number, number];
    const extra = at + RECORD.bytes + nameBytes;
    const end = extra + extraBytes + commentBytes;
    if (end > view.byteLength) throw damaged(path, 'is malformed');
    const name = decodeName(view, at + RECORD.bytes, nameBytes);
    if (records.has(name)) throw damaged(path, `lists "${name}" twice`);
    const { size, header } = sizes(view, at, extra, extraBytes, path);
    records.set(name, {
      flags: view.getUint16(at + 8, true),
      method: view.getUint16(at + 10, true),
      size,
      header,
    });
    at = end;
  }
  return records;
}

function decodeName(view: DataView, at: number, length: number): string {
  return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + at, length));
}

/** Size and place, from the zip64 extra field where the 32-bit ones are saturated: size, packed size, place, as needed. */
function sizes(
  view: DataView,
  at: number,
  extra: number,
  extraBytes: number,
  path: string,
): { size: number; header: number } {
  const fields = {
    packed: view.getUint32(at + 20, true),
    size: view.getUint32(at + 24, true),
    header: view.getUint32(at + 42, true),
  };
  let wide = findWide(view, extra, extra + extraBytes);
  for (const field of ['size', 'packed', 'header'] as const) {
    if (fields[field] !== SATURATED_32) continue;
    if (wide === undefined || wide.at + 8 > wide.end) throw damaged(path, 'lacks a 64-bit size');
    fields[field] = integer64(view, wide.at, path);
    wide = { at: wide.at + 8, end: wide.end };
  }
  return fields;
}

/** The zip64 field (id 1) among the extra fields [at, end). */
function findWide(view: DataView, at: number, end: number): { at: number; end: number } | undefined {
  while (at + 4 <= end) {
    const fieldEnd = at + 4 + view.getUint16(at + 2, true);
    if (fieldEnd > end) return undefined;
    if (view.getUint16(at, true) === 1) return { at: at + 4, end: fieldEnd };
    at = fieldEnd;
  }
  return undefined;
}

/** The data lies behind the local header, whose name and extra field have lengths of their own. */
function locate(read: Read, path: string, name: string, record: DirectoryRecord | undefined): ZipEntry {
  if (!record) throw new WeightsError(path, `"${name}" is missing from the archive`, REDOWNLOAD);
  if (record.method !== STORED || record.flags & ENCRYPTED) {
    throw new WeightsError(
      path,
      `"${name}" is compressed or encrypted`,
      'Unpack it, or save the model again with torch',
    );
  }
  const local = read(record.header, LOCAL.bytes);
  const nameBytes = local.getUint16(26, true);
  const ownName = decodeName(read(record.header + LOCAL.bytes, nameBytes), 0, nameBytes);
  if (local.getUint32(0, true) !== LOCAL.signature || ownName !== name)
    throw damaged(path, `misplaces "${name}"`);
  const offset = record.header + LOCAL.bytes + nameBytes + local.getUint16(28, true);
  read(offset + record.size, 0);
  return { offset, size: record.size };
}
