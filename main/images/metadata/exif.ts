/**
 * The EXIF texts that generators use, read from and written as a TIFF block (Exif 2.32, section 4.6).
 * A1111: UserComment. ComfyUI: Model, Make and the tags below. Fooocus: UserComment and MakerNote.
 */

const TAGS = { software: 0x0131, exifFolder: 0x8769, userComment: 0x9286, makerNote: 0x927c } as const;
/** ComfyUI puts `key:text` into Model and Make and, for more keys, counts down from ImageDescription. */
const KEYED_TAGS = { first: 0x0110, last: 0x0100 } as const;
const MAX_ENTRIES = 512;
const ASCII = 2;
const LONG = 4;
const UNDEFINED = 7;

export interface ExifTexts {
  readonly userComment?: string;
  readonly makerNote?: string;
  readonly software?: string;
  /** Texts of the form `key:text` in the tags ComfyUI uses, by key. */
  readonly keyed: ReadonlyMap<string, string>;
}

/** The texts of an EXIF block, with or without the leading `Exif\0\0`. Damaged parts are left out; never throws. */
export function readExif(block: Uint8Array): ExifTexts {
  const tiff = latin1(block.subarray(0, 6)) === 'Exif\0\0' ? block.subarray(6) : block;
  const entries = new Map<number, Uint8Array>();
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const mark = latin1(tiff.subarray(0, 4));
  if (mark !== 'II*\0' && mark !== 'MM\0*') return { keyed: new Map() };
  const little = mark === 'II*\0';
  if (tiff.length >= 8) readFolder(view, view.getUint32(4, little), little, entries);
  const pointer = entries.get(TAGS.exifFolder);
  if (pointer?.length === 4) readFolder(view, viewOf(pointer).getUint32(0, little), little, entries);
  return textsOf(entries);
}

/** A little-endian EXIF block (with `Exif\0\0`): UserComment as `UNICODE` UTF-16BE, the others as `key:text`, at most 17. */
export function writeExif(
  userComment: string | undefined,
  keyed: readonly (readonly [key: string, text: string])[],
): Uint8Array<ArrayBuffer> {
  const main: TagValue[] = keyed.map(([key, text], i) => ({
    tag: KEYED_TAGS.first - i,
    type: ASCII,
    data: Buffer.from(`${key}:${text}\0`, 'utf8'),
  }));
  if (main.length > KEYED_TAGS.first - KEYED_TAGS.last + 1)
    throw new RangeError(`${main.length} texts do not fit into EXIF`);
  main.sort((a, b) => a.tag - b.tag);
  if (userComment === undefined) return new Uint8Array(Buffer.concat([HEADER, folder(main, 8)]));
  const pointer = { tag: TAGS.exifFolder, type: LONG, data: Buffer.alloc(4) };
  const innerStart = 8 + folder([...main, pointer], 8).length;
  pointer.data.writeUInt32LE(innerStart);
  const comment = Buffer.concat([
    Buffer.from('UNICODE\0', 'latin1'),
    Buffer.from(userComment, 'utf16le').swap16(),
  ]);
  const inner = folder([{ tag: TAGS.userComment, type: UNDEFINED, data: comment }], innerStart);
  return new Uint8Array(Buffer.concat([HEADER, folder([...main, pointer], 8), inner]));
}

const HEADER = Buffer.from('Exif\0\0II*\0\x08\0\0\0', 'latin1');

interface TagValue {
  readonly tag: number;
  readonly type: number;
  readonly data: Buffer;
}

/** An image file directory at `start` of the TIFF block: the table, then the values longer than 4 bytes. */
function folder(values: readonly TagValue[], start: number): Buffer {
  const table = Buffer.alloc(2 + values.length * 12 + 4);
  const heap: Buffer[] = [];
  let at = start + table.length;
  table.writeUInt16LE(values.length, 0);
  for (const [i, { tag, type, data }] of values.entries()) {
    const entry = 2 + i * 12;
    table.writeUInt16LE(tag, entry);
    table.writeUInt16LE(type, entry + 2);
    table.writeUInt32LE(type === LONG ? data.length / 4 : data.length, entry + 4);
    if (data.length <= 4) {
      data.copy(table, entry + 8);
      continue;
    }
    table.writeUInt32LE(at, entry + 8);
    const padded = data.length % 2 ? Buffer.concat([data, Buffer.alloc(1)]) : data;
    heap.push(padded);
    at += padded.length;
  }
  return Buffer.concat([table, ...heap]);
}

const TYPE_BYTES: Readonly<Record<number, number>> = { 1: 1, 2: 1, 3: 2, 4: 4, 7: 1 };

/** Adds a directory's entries; an entry that reaches out of the block is left out. */
function readFolder(view: DataView, start: number, little: boolean, entries: Map<number, Uint8Array>): void {
  if (start + 2 > view.byteLength) return;
  const count = Math.min(MAX_ENTRIES, view.getUint16(start, little));
  for (let i = 0; i < count; i++) {
    const entry = start + 2 + i * 12;
    if (entry + 12 > view.byteLength) return;
    const bytes = (TYPE_BYTES[view.getUint16(entry + 2, little)] ?? 0) * view.getUint32(entry + 4, little);
    const at = bytes <= 4 ? entry + 8 : view.getUint32(entry + 8, little);
    if (bytes === 0 || at + bytes > view.byteLength) continue;
    const tag = view.getUint16(entry, little);
    if (!entries.has(tag)) entries.set(tag, new Uint8Array(view.buffer, view.byteOffset + at, bytes));
  }
}

function textsOf(entries: ReadonlyMap<number, Uint8Array>): ExifTexts {
  const keyed = new Map<string, string>();
  for (let tag: number = KEYED_TAGS.first; tag >= KEYED_TAGS.last; tag--) {
    const value = plainText(entries.get(tag)) ?? '';
    const key = /^(\w{1,64}):/.exec(value)?.[1];
    if (key !== undefined && !keyed.has(key)) keyed.set(key, value.slice(key.length + 1));
  }
  const userComment = commentText(entries.get(TAGS.userComment));
  const makerNote = plainText(entries.get(TAGS.makerNote));
  const software = plainText(entries.get(TAGS.software));
  return {
    keyed,
    ...(userComment !== undefined && { userComment }),
    ...(makerNote !== undefined && { makerNote }),
    ...(software !== undefined && { software }),
  };
}

/** UserComment begins with 8 bytes naming its character code; Fooocus leaves them out. */
function commentText(bytes: Uint8Array | undefined): string | undefined {
  if (!bytes) return undefined;
  const code = latin1(bytes.subarray(0, 8));
  const body = bytes.subarray(8);
  if (code === 'UNICODE\0') return utf16(body);
  return code === 'ASCII\0\0\0' || code === '\0\0\0\0\0\0\0\0' ? plainText(body) : plainText(bytes);
}

/** piexif writes big-endian whatever the block's order, others the block's own: the order that makes more ASCII is right. */
function utf16(body: Uint8Array): string {
  const even = Buffer.from(body.subarray(0, body.length & ~1));
  let little = 0;
  let big = 0;
  for (let i = 0; i < even.length; i += 2) {
    if (even[i + 1] === 0 && isPrintable(even[i]!)) little++;
    if (even[i] === 0 && isPrintable(even[i + 1]!)) big++;
  }
  const text = (little > big ? even : even.swap16()).toString('utf16le');
  return text.replace(/^\ufeff/, '').replace(/\0+$/, '');
}

function isPrintable(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || byte === 0x0a;
}

function plainText(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString('utf8').replace(/\0+$/, '');
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
