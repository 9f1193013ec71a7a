/** Colours as numbers, and coverage in one colour. */
import type { Pixels } from './blend.ts';
import type { Coverage } from './coverage.ts';

/** The mask on the canvas, before it is made translucent. */
export const MASK_COLOUR = '#ff5436';

/** Red, green, blue (0–255) of `#rrggbb`. */
export function rgbOf(colour: string): [number, number, number] {
  const value = Number.parseInt(colour.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** One colour whose alpha is the coverage within `part` (all of it when absent); transparent where there is none. */
export function tinted({ area, data }: Coverage, colour: string, part = area): Pixels {
  const pixels = new Uint8ClampedArray(part.width * part.height * 4);
  const words = new Uint32Array(pixels.buffer);
  const [red, green, blue] = rgbOf(colour);
  // Little-endian: alpha is the highest byte.
  const tint = (blue << 16) | (green << 8) | red;
  for (let y = 0; y < part.height; y++) {
    const from = (part.y - area.y + y) * area.width + part.x - area.x;
    for (let x = 0; x < part.width; x++) {
      const alpha = (data[from + x]! * 255 + 0.5) | 0;
      if (alpha !== 0) words[y * part.width + x] = (alpha << 24) | tint;
    }
  }
  return { width: part.width, height: part.height, data: pixels };
}
