/** Where JPEG, WebP and GIF keep their metadata: comments read from, EXIF put into files, nothing about them trusted. */

/** A JPEG segment holds 65535 bytes with its length field. */
export const MAX_JPEG_EXIF_BYTES = 65533;
const MAX_COMMENT_BYTES = 1 << 20;
const MAX_BLOCKS = 100_000;

export function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

export function isGif(bytes: Uint8Array): boolean {
  return /^GIF8[79]a$/.test(ascii(bytes, 0, 6));
}

/** The first comment of a JPEG (COM segment) or GIF (comment extension). Never throws. */
export function readComment(bytes: Uint8Array): string | undefined {
  if (isJpeg(bytes)) return jpegComment(bytes);
  return isGif(bytes) ? gifComment(bytes) : undefined;
}

/** The JPEG with `exif` (beginning `Exif\0\0`) as its first segment. Throws RangeError over 64 KiB. */
export function insertJpegExif(jpeg: Uint8Array, exif: Uint8Array): Uint8Array<ArrayBuffer> {
  if (exif.length > MAX_JPEG_EXIF_BYTES) {
    throw new RangeError(
      `JPEG holds at most 64 KiB of metadata, this picture has ${exif.length} bytes; export PNG or WebP`,
    );
  }
  const marker = Buffer.from([0xff, 0xe1, 0, 0]);
  marker.writeUInt16BE(exif.length + 2, 2);
  return new Uint8Array(Buffer.concat([jpeg.subarray(0, 2), marker, exif, jpeg.subarray(2)]));
}

/** The WebP with `exif` as its EXIF chunk; the extended header this needs is added where there is none (WebP container, "Extended File Format"). */
export function insertWebpExif(
  webp: Uint8Array,
  exif: Uint8Array,
  width: number,
  height: number,
  alpha: boolean,
): Uint8Array<ArrayBuffer> {
  const chunks = riffChunks(webp).filter(({ type }) => type !== 'EXIF');
  const extended = chunks.find(({ type }) => type === 'VP8X');
  const header = extended ? Buffer.from(extended.data) : extendedHeader(width, height, alpha);
  header[0] = header[0]! | EXIF_FLAG;
  // Without the `Exif\0\0` that JPEG wants: the chunk is the TIFF block itself.
  const tiff = ascii(exif, 0, 6) === 'Exif\0\0' ? exif.subarray(6) : exif;
  const body = Buffer.concat([
    Buffer.from('WEBP', 'latin1'),
    riffChunk('VP8X', header),
    ...chunks.filter(({ type }) => type !== 'VP8X').map(({ type, data }) => riffChunk(type, data)),
    riffChunk('EXIF', tiff),
  ]);
  return new Uint8Array(riffChunk('RIFF', body));
}

const EXIF_FLAG = 0x08;
const ALPHA_FLAG = 0x10;

function extendedHeader(width: number, height: number, alpha: boolean): Buffer {
  const header = Buffer.alloc(10);
  header[0] = alpha ? ALPHA_FLAG : 0;
  header.writeUIntLE(width - 1, 4, 3);
  header.writeUIntLE(height - 1, 7, 3);
  return header;
}

function riffChunk(type: string, data: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.write(type, 'latin1');
  head.writeUInt32LE(data.length, 4);
  return Buffer.concat([head, data, Buffer.alloc(data.length % 2)]);
}

function riffChunks(bytes: Uint8Array): { type: string; data: Uint8Array }[] {
  const chunks: { type: string; data: Uint8Array }[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    if (at + 8 + length > bytes.length) break;
    chunks.push({ type: ascii(bytes, at, at + 4), data: bytes.subarray(at + 8, at + 8 + length) });
    at += 8 + length + (length % 2);
  }
  return chunks;
}

function jpegComment(bytes: Uint8Array): string | undefined {
  for (let at = 2, count = 0; at + 4 <= bytes.length && count < MAX_BLOCKS; count++) {
    const marker = bytes[at + 1]!;
    const length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    // Start of scan: compressed picture data follows, no more segments worth reading.
    if (bytes[at] !== 0xff || marker === 0xda || length < 2) return undefined;
    if (marker === 0xfe && at + 2 + length <= bytes.length)
      return utf8(bytes.subarray(at + 4, at + 2 + length));
    at += 2 + length;
  }
  return undefined;
}

function gifComment(bytes: Uint8Array): string | undefined {
  const colorTable = (flags: number) => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  let at = 13 + colorTable(bytes[10] ?? 0);
  for (let count = 0; at < bytes.length && count < MAX_BLOCKS; count++) {
    const kind = bytes[at];
    if (kind === 0x21 && bytes[at + 1] === 0xfe) return utf8(Buffer.concat(subBlocks(bytes, at + 2).parts));
    if (kind === 0x21) at = subBlocks(bytes, at + 2).end;
    else if (kind === 0x2c) at = subBlocks(bytes, at + 11 + colorTable(bytes[at + 9] ?? 0)).end;
    else return undefined;
  }
  return undefined;
}

/** Data in runs of up to 255 bytes, each with its length before it, ended by a run of 0. */
function subBlocks(bytes: Uint8Array, start: number): { parts: Uint8Array[]; end: number } {
  const parts: Uint8Array[] = [];
  let at = start;
  for (let total = 0; at < bytes.length && bytes[at] !== 0; at += 1 + bytes[at]!) {
    total += bytes[at]!;
    if (total <= MAX_COMMENT_BYTES) parts.push(bytes.subarray(at + 1, at + 1 + bytes[at]!));
  }
  return { parts, end: at + 1 };
}

function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8').replace(/\0+$/, '');
}

function ascii(bytes: Uint8Array, from: number, to: number): string {
  return String.fromCharCode(...bytes.subarray(from, to));
}
