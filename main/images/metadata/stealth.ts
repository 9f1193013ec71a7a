/**
 * Metadata hidden in the lowest bits of a picture ("stealth PNG info", NovelAI and A1111 extensions):
 * a 15-letter signature, a 32-bit length in bits, then the text, column by column, in alpha or in red, green, blue.
 */
import { gunzipSync } from 'node:zlib';
import type { Pixels } from '../pixels.ts';

const SIGNATURES = {
  alpha: { plain: 'stealth_pnginfo', packed: 'stealth_pngcomp' },
  rgb: { plain: 'stealth_rgbinfo', packed: 'stealth_rgbcomp' },
} as const;
const SIGNATURE_BYTES = 15;
const MAX_PACKED_BYTES = 4 << 20;
const MAX_TEXT_BYTES = 4 << 20;

/** The hidden text of a picture, or undefined where there is none. Never throws; holds at most 8 MiB. */
export function readStealthText(pixels: Pixels): string | undefined {
  return (pixels.channels === 4 ? readFrom(pixels, 'alpha') : undefined) ?? readFrom(pixels, 'rgb');
}

function readFrom(pixels: Pixels, place: 'alpha' | 'rgb'): string | undefined {
  const capacity = Math.floor((pixels.width * pixels.height * (place === 'alpha' ? 1 : 3)) / 8);
  const start = SIGNATURE_BYTES + 4;
  if (capacity < start) return undefined;
  const signature = Buffer.from(hiddenBytes(pixels, place, 0, SIGNATURE_BYTES)).toString('latin1');
  const { plain, packed } = SIGNATURES[place];
  if (signature !== plain && signature !== packed) return undefined;
  const bits = Buffer.from(hiddenBytes(pixels, place, SIGNATURE_BYTES, 4)).readUInt32BE();
  const length = Math.floor(bits / 8);
  if (length > Math.min(capacity - start, MAX_PACKED_BYTES)) return undefined;
  const data = hiddenBytes(pixels, place, start, length);
  return signature === packed ? unpacked(data) : Buffer.from(data).toString('utf8');
}

/** `count` bytes from byte `start` on, highest bit first; bit i lies in pixel (⌊i/H⌋, i mod H), or a third of that in RGB. */
function hiddenBytes(pixels: Pixels, place: 'alpha' | 'rgb', start: number, count: number): Uint8Array {
  const { width, height, channels, data } = pixels;
  const perPixel = place === 'alpha' ? 1 : 3;
  const out = new Uint8Array(count);
  for (let bit = 0; bit < count * 8; bit++) {
    const index = start * 8 + bit;
    const pixel = Math.floor(index / perPixel);
    const at = ((pixel % height) * width + Math.floor(pixel / height)) * channels;
    const low = data[at + (place === 'alpha' ? 3 : index % 3)]! & 1;
    out[bit >> 3] = (out[bit >> 3]! << 1) | low;
  }
  return out;
}

function unpacked(data: Uint8Array): string | undefined {
  try {
    return gunzipSync(data, { maxOutputLength: MAX_TEXT_BYTES }).toString('utf8');
  } catch {
    return undefined;
  }
}
