/** Reading any picture file into pixels and writing pixels as PNG, JPEG or WebP; nothing about a file is trusted. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { type Pixels, pixelsOf } from './pixels.ts';

/** 16384 × 16384, the largest picture of a request: at 4 bytes each this is 1 GiB. */
export const MAX_PIXELS = 16384 * 16384;

export type PictureFormat = 'png' | 'jpeg' | 'webp';

/** A file's path, or its bytes. */
export type PictureSource = string | Uint8Array;

/** A picture that cannot be read or written. The message names the file and the next step. */
export class PictureError extends Error {
  override readonly name = 'PictureError';
  constructor(file: string, problem: string, nextStep: string, cause?: unknown) {
    super(`${file}: ${problem}. ${nextStep}.`, { cause });
  }
}

export interface DecodeOptions {
  /** What the picture is called in errors; by default its file name. */
  readonly name?: string;
  /** 3 drops alpha, 4 adds an opaque one; by default alpha is kept where there is one. */
  readonly channels?: 3 | 4;
  /** Larger pictures are refused before anything is allocated. */
  readonly maxPixels?: number;
}

/**
 * Any still picture sharp reads (PNG, JPEG, WebP, AVIF, GIF's first frame, TIFF, SVG) as sRGB pixels,
 * turned upright by its EXIF orientation. Throws PictureError.
 */
export async function decodePixels(source: PictureSource, options: DecodeOptions = {}): Promise<Pixels> {
  const name = options.name ?? pictureName(source);
  try {
    await requireFile(source);
    const picture = openPicture(source, options.maxPixels);
    const { icc } = await picture.metadata();
    const upright = (isSrgb(icc) ? openPicture(source, options.maxPixels, true) : picture)
      .autoOrient()
      .toColourspace('srgb');
    const { data, info } = await withChannels(upright, options.channels)
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return pixelsOf(plainBytes(data), info.width, info.height, info.channels === 4 ? 4 : 3);
  } catch (error) {
    throw unreadable(name, error, options.maxPixels);
  }
}

/** Width and height of a picture as decodePixels would give them, from its header alone. Throws PictureError. */
export async function pictureSize(
  source: PictureSource,
  options: DecodeOptions = {},
): Promise<{ width: number; height: number }> {
  try {
    await requireFile(source);
    const { width, height, autoOrient } = await openPicture(source, options.maxPixels).metadata();
    return { width: autoOrient?.width ?? width, height: autoOrient?.height ?? height };
  } catch (error) {
    throw unreadable(options.name ?? pictureName(source), error, options.maxPixels);
  }
}

/** sharp's names of formats whose files are called otherwise. */
const EXTENSIONS: Readonly<Record<string, string>> = { jpeg: 'jpg', heif: 'avif', tiff: 'tif' };

/** What a file of this picture is to end in, told from its bytes: many a `.png` is a JPEG. Throws PictureError. */
export async function pictureExtension(source: PictureSource): Promise<string> {
  try {
    await requireFile(source);
    const { format } = await openPicture(source).metadata();
    return EXTENSIONS[format] ?? format;
  } catch (error) {
    throw unreadable(pictureName(source), error);
  }
}

/** Encodes pixels; the same pixels give the same bytes. `quality` 1–100 is for JPEG (default 92) and WebP (default 90; 100 = lossless). */
export async function encodePixels(
  pixels: Pixels,
  format: PictureFormat,
  quality?: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const { width, height, channels, data } = pixels;
  const raw = sharp(data, { raw: { width, height, channels }, limitInputPixels: false });
  return plainBytes(await encoded(raw, format, quality).toBuffer());
}

/** What a picture is called in errors. */
export function pictureName(source: PictureSource): string {
  return typeof source === 'string' ? basename(source) : 'this picture';
}

/** A pipe would be waited for, a device read without end. What is not there is for whoever opens it to say. Throws PictureError. */
export async function requireFile(source: PictureSource): Promise<void> {
  if (typeof source !== 'string') return;
  const stats = await stat(source).catch(() => undefined);
  if (stats && !stats.isFile())
    throw new PictureError(pictureName(source), 'is no file', 'Choose a picture instead');
}

function openPicture(source: PictureSource, maxPixels = MAX_PIXELS, ignoreIcc = false): Sharp {
  return sharp(source, { limitInputPixels: maxPixels, failOn: 'warning', ignoreIcc });
}

/** An sRGB profile changes nothing in theory and single bytes in practice, so it is skipped to keep the file's own values. */
function isSrgb(icc: Buffer | undefined): boolean {
  return icc?.includes('sRGB') === true || icc?.includes('s\0R\0G\0B') === true;
}

function withChannels(picture: Sharp, channels: 3 | 4 | undefined): Sharp {
  if (channels === 3) return picture.removeAlpha();
  return channels === 4 ? picture.ensureAlpha() : picture;
}

function encoded(raw: Sharp, format: PictureFormat, quality: number | undefined): Sharp {
  switch (format) {
    case 'png':
      return raw.png({ compressionLevel: 6 });
    case 'jpeg':
      return raw
        .flatten({ background: '#ffffff' })
        .jpeg({ quality: quality ?? 92, chromaSubsampling: '4:4:4' });
    case 'webp':
      return raw.webp({ quality: quality ?? 90, lossless: quality === 100, exact: true });
  }
}

/** sharp hands out Buffers, at times slices of a pool; the rest of the program wants arrays of their own. */
function plainBytes(buffer: Buffer): Uint8Array<ArrayBuffer> {
  const { byteOffset, byteLength } = buffer;
  return buffer.buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer.buffer, byteOffset, byteLength)
    : Uint8Array.from(buffer);
}

function unreadable(name: string, error: unknown, maxPixels = MAX_PIXELS): PictureError {
  if (error instanceof PictureError) return error;
  const reason = error instanceof Error ? error.message.split('\n')[0]! : String(error);
  if (/pixel limit/i.test(reason)) {
    return new PictureError(name, `has more than ${maxPixels} pixels`, 'Make it smaller first', error);
  }
  if (/missing|ENOENT|does not exist/i.test(reason)) {
    return new PictureError(
      name,
      'is not there or may not be read',
      'Check the path and its permissions',
      error,
    );
  }
  return new PictureError(
    name,
    `cannot be read as a picture (${reason})`,
    'Open it in another program and save it as PNG',
    error,
  );
}
