/**
 * Text in PNG files: our own small reader and writer of tEXt, zTXt and iTXt chunks (PNG specification 11.3.3).
 * A file is untrusted: every length is checked, texts are limited, damaged chunks are reported and left out.
 */
import { isUtf8 } from 'node:buffer';
import { crc32, inflateSync } from 'node:zlib';

/** Limit of one text after decompression, and of a text stored plain (Pillow's limit for compressed text is the same 1 MiB). */
export const MAX_INFLATED_BYTES = 1 << 20;
const MAX_PLAIN_BYTES = 16 << 20;
const MAX_TEXT_CHUNKS = 256;

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const TEXT_TYPES: ReadonlySet<string> = new Set(['tEXt', 'zTXt', 'iTXt', 'comf']);

export interface Texts {
  /** Keyword → text; of several with one keyword the first counts. */
  readonly texts: ReadonlyMap<string, string>;
  /** One sentence per chunk that could not be used. */
  readonly problems: readonly string[];
}

export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((value, i) => bytes[i] === value);
}

/** All texts of a PNG, also those of ComfyUI's `comf` chunks in animated ones. Bytes that are no PNG have none. Never throws. */
export function readPngTexts(bytes: Uint8Array): Texts {
  const texts = new Map<string, string>();
  const problems: string[] = [];
  let count = 0;
  for (const chunk of chunksOf(bytes)) {
    if (!TEXT_TYPES.has(chunk.type)) continue;
    if (++count > MAX_TEXT_CHUNKS) {
      problems.push(`more than ${MAX_TEXT_CHUNKS} text chunks; the rest is left out`);
      break;
    }
    const entry = chunk.intact ? decodeChunk(chunk) : `a ${chunk.type} chunk is damaged (wrong checksum)`;
    if (typeof entry === 'string') problems.push(entry);
    else if (!texts.has(entry.keyword)) texts.set(entry.keyword, entry.text);
  }
  return { texts, problems };
}

/**
 * The PNG with `entries` as its only texts, before the picture data; pixels and all else stay byte for byte.
 * As Pillow: tEXt where the text is Latin-1, else iTXt, neither compressed; iTXt too where the Latin-1 bytes happen to
 * be UTF-8, which readers would take them for.
 */
export function writePngTexts(
  png: Uint8Array,
  entries: readonly (readonly [keyword: string, text: string])[],
): Uint8Array<ArrayBuffer> {
  if (!isPng(png)) throw new TypeError('texts can be written into PNG files only');
  const parts: Uint8Array[] = [SIGNATURE];
  for (const chunk of chunksOf(png)) {
    if (!TEXT_TYPES.has(chunk.type)) parts.push(chunk.bytes);
    if (chunk.type === 'IHDR') parts.push(...entries.map(([keyword, text]) => encodeChunk(keyword, text)));
  }
  return new Uint8Array(Buffer.concat(parts));
}

interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
  /** Length, type, data and checksum as they lie in the file. */
  readonly bytes: Uint8Array;
  readonly intact: boolean;
}

/** The chunks up to IEND; stops where the file breaks off. */
function* chunksOf(bytes: Uint8Array): Generator<Chunk> {
  if (!isPng(bytes)) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = SIGNATURE.length; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const end = at + 12 + length;
    if (end > bytes.length) return;
    const type = latin1(bytes.subarray(at + 4, at + 8));
    yield {
      type,
      data: bytes.subarray(at + 8, end - 4),
      bytes: bytes.subarray(at, end),
      // Checksums of picture data are the decoder's business: hashing megabytes here would cost more than all the rest.
      intact: !TEXT_TYPES.has(type) || crc32(bytes.subarray(at + 4, end - 4)) === view.getUint32(end - 4),
    };
    if (type === 'IEND') return;
    at = end;
  }
}

/**
 * The specification says Latin-1, which Pillow keeps to; stable-diffusion.cpp writes UTF-8 all the same, and ComfyUI's
 * window reads it. Latin-1 text is next to never UTF-8 by chance.
 */
function plainText(bytes: Uint8Array): string {
  return isUtf8(bytes) ? utf8(bytes) : latin1(bytes);
}

/** Keyword and text, or a sentence that says why not. */
function decodeChunk({ type, data }: Chunk): { keyword: string; text: string } | string {
  if (data.length > MAX_PLAIN_BYTES) return `a ${type} chunk of ${data.length} bytes is too long to be read`;
  const zero = data.indexOf(0);
  if (zero < 0) return `a ${type} chunk has no keyword`;
  const keyword = latin1(data.subarray(0, zero));
  const rest = data.subarray(zero + 1);
  const text = decodeText(type, rest);
  return text === undefined
    ? `the text "${keyword.slice(0, 79)}" cannot be unpacked or is too long`
    : { keyword, text };
}

function decodeText(type: string, rest: Uint8Array): string | undefined {
  if (type === 'tEXt') return plainText(rest);
  if (type === 'comf') return utf8(rest);
  if (type === 'zTXt') {
    const plain = rest[0] === 0 ? inflated(rest.subarray(1)) : undefined;
    return plain && latin1(plain);
  }
  // iTXt: compression flag, method, language tag \0, translated keyword \0, text
  const tagEnd = rest.indexOf(0, 2);
  const start = tagEnd < 0 ? 0 : rest.indexOf(0, tagEnd + 1) + 1;
  if (start === 0) return undefined;
  const text = rest.subarray(start);
  if (rest[0] === 0) return utf8(text);
  const plain = rest[1] === 0 ? inflated(text) : undefined;
  return plain && utf8(plain);
}

function inflated(data: Uint8Array): Uint8Array | undefined {
  try {
    return inflateSync(data, { maxOutputLength: MAX_INFLATED_BYTES });
  } catch {
    return undefined;
  }
}

function encodeChunk(keyword: string, text: string): Uint8Array {
  const key = Buffer.from(`${keyword}\0`, 'latin1');
  const plain = Buffer.from(text, 'latin1');
  return plainText(plain) === text
    ? makeChunk('tEXt', Buffer.concat([key, plain]))
    : makeChunk('iTXt', Buffer.concat([key, Buffer.from('\0\0\0\0'), Buffer.from(text, 'utf8')]));
}

function makeChunk(type: string, data: Uint8Array): Uint8Array {
  const chunk = Buffer.alloc(12 + data.length);
  chunk.writeUInt32BE(data.length, 0);
  chunk.write(type, 4, 'latin1');
  chunk.set(data, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length);
  return chunk;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
