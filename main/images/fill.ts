/**
 * Fills the masked part of a picture smoothly from what surrounds it ("masked content: fill", and a start for outpainting):
 * push-pull over a pyramid (Gortler et al. 1996, The Lumigraph, section 3.4).
 */
import type { Mask } from './masks.ts';
import { type Pixels, pixelsOf } from './pixels.ts';

/** One level: `color` is RGB × `weight`, and weight says how much of the pixel is known, 0–1. */
interface Level {
  readonly width: number;
  readonly height: number;
  readonly color: Float32Array;
  readonly weight: Float32Array;
}

/** Pixels with mask 1 take the colours around them, soft ones by their share; those with mask 0, and alpha, stay to the byte. */
export function fillMasked(source: Pixels, mask: Mask): Pixels {
  if (source.width !== mask.width || source.height !== mask.height) {
    throw new RangeError(`sizes differ: ${source.width}×${source.height} and ${mask.width}×${mask.height}`);
  }
  const filled = pull(known(source, mask));
  const out = Uint8Array.from(source.data);
  for (let i = 0; i < mask.data.length; i++) {
    if (!(mask.data[i]! > 0)) continue;
    for (let c = 0; c < 3; c++) out[i * source.channels + c] = Math.min(255, Math.round(filled[i * 3 + c]!));
  }
  return pixelsOf(out, source.width, source.height, source.channels);
}

function known({ width, height, channels, data }: Pixels, mask: Mask): Level {
  const color = new Float32Array(width * height * 3);
  const weight = mask.data.map((value) => 1 - Math.min(1, Math.max(0, value)));
  for (let i = 0; i < weight.length; i++) {
    for (let c = 0; c < 3; c++) color[i * 3 + c] = data[i * channels + c]! * weight[i]!;
  }
  return { width, height, color, weight };
}

/** Complete colours of a level: what it does not know comes from the level above, half its size. */
function pull(level: Level): Float32Array {
  const { width, height, color, weight } = level;
  if (width === 1 && height === 1) return color.map((value) => (weight[0]! > 0 ? value / weight[0]! : 127.5));
  const above = push(level);
  const coarse = pull(above);
  const out = Float32Array.from(color);
  for (let i = 0; i < weight.length; i++) {
    const open = 1 - weight[i]!;
    if (open <= 0) continue;
    const x = Math.min(above.width - 1, Math.max(0, ((i % width) - 0.5) / 2));
    const y = Math.min(above.height - 1, Math.max(0, (Math.floor(i / width) - 0.5) / 2));
    for (let c = 0; c < 3; c++)
      out[i * 3 + c] = out[i * 3 + c]! + open * bilinear(coarse, above.width, above.height, x, y, c);
  }
  return out;
}

/** The next coarser level: sums of 2×2 pixels, brought back to a weight of at most 1. */
function push({ width, height, color, weight }: Level): Level {
  const halfWidth = Math.max(1, (width + 1) >> 1);
  const halfHeight = Math.max(1, (height + 1) >> 1);
  const colors = new Float32Array(halfWidth * halfHeight * 3);
  const weights = new Float32Array(halfWidth * halfHeight);
  for (let i = 0; i < weight.length; i++) {
    const to = (Math.floor(i / width) >> 1) * halfWidth + ((i % width) >> 1);
    weights[to] = weights[to]! + weight[i]!;
    for (let c = 0; c < 3; c++) colors[to * 3 + c] = colors[to * 3 + c]! + color[i * 3 + c]!;
  }
  for (let i = 0; i < weights.length; i++) {
    const excess = Math.max(1, weights[i]!);
    weights[i] = weights[i]! / excess;
    for (let c = 0; c < 3; c++) colors[i * 3 + c] = colors[i * 3 + c]! / excess;
  }
  return { width: halfWidth, height: halfHeight, color: colors, weight: weights };
}

function bilinear(
  rgb: Float32Array,
  width: number,
  height: number,
  x: number,
  y: number,
  channel: number,
): number {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const right = Math.min(width - 1, left + 1);
  const bottom = Math.min(height - 1, top + 1);
  const at = (row: number, column: number) => rgb[(row * width + column) * 3 + channel]!;
  const upper = at(top, left) + (at(top, right) - at(top, left)) * (x - left);
  const lower = at(bottom, left) + (at(bottom, right) - at(bottom, left)) * (x - left);
  return upper + (lower - upper) * (y - top);
}
