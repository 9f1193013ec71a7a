/** Growing and feathering a float mask: exact Euclidean distances, and a Gaussian made of three box blurs. */
import type { Coverage } from './coverage.ts';

/** Coverage from which a pixel counts as inside when distances are measured. */
const INSIDE = 0.5;
/** Stands for "no such pixel": larger than any squared distance on a canvas. */
const FAR = 1e12;

/**
 * Moves the edge of a mask by `pixels` outwards (inwards when negative); what was soft inside stays soft.
 * Distances: Felzenszwalb & Huttenlocher 2012, "Distance Transforms of Sampled Functions", in both directions.
 */
export function grow(mask: Coverage, pixels: number): Coverage {
  if (pixels === 0) return mask;
  const reach = Math.abs(pixels);
  const outward = pixels > 0;
  const distances = distanceTo(mask, (value) => value >= INSIDE === outward);
  const data = new Float32Array(mask.data.length);
  for (let i = 0; i < data.length; i++) {
    const edge = Math.min(1, Math.max(0, reach + 1 - distances[i]!));
    data[i] = outward ? Math.max(mask.data[i]!, edge) : Math.min(mask.data[i]!, 1 - edge);
  }
  return { area: mask.area, data };
}

/** Distance in pixels of each pixel to the nearest one for which `is` holds. */
function distanceTo(mask: Coverage, is: (value: number) => boolean): Float32Array<ArrayBuffer> {
  const { width, height } = mask.area;
  const squared = Float32Array.from(mask.data, (value) => (is(value) ? 0 : FAR));
  const longest = Math.max(width, height);
  const scratch = {
    line: new Float32Array(longest),
    out: new Float32Array(longest),
    places: new Int32Array(longest),
    bounds: new Float64Array(longest + 1),
  };
  for (let x = 0; x < width; x++) transformLine(squared, x, width, height, scratch);
  for (let y = 0; y < height; y++) transformLine(squared, y * width, 1, width, scratch);
  return squared.map(Math.sqrt);
}

interface Scratch {
  readonly line: Float32Array<ArrayBuffer>;
  readonly out: Float32Array<ArrayBuffer>;
  /** Apexes of the lower envelope's parabolas, and where each one begins to be the lowest. */
  readonly places: Int32Array<ArrayBuffer>;
  readonly bounds: Float64Array<ArrayBuffer>;
}

/** One row or column of the transform, in place: the lower envelope of parabolas standing on each value. */
function transformLine(
  field: Float32Array<ArrayBuffer>,
  start: number,
  step: number,
  count: number,
  { line, out, places, bounds }: Scratch,
): void {
  for (let i = 0; i < count; i++) line[i] = field[start + i * step]!;
  let last = 0;
  places[0] = 0;
  bounds[0] = -Infinity;
  bounds[1] = Infinity;
  for (let q = 1; q < count; q++) {
    let cut = crossing(line, places[last]!, q);
    while (cut <= bounds[last]!) cut = crossing(line, places[--last]!, q);
    places[++last] = q;
    bounds[last] = cut;
    bounds[last + 1] = Infinity;
  }
  last = 0;
  for (let q = 0; q < count; q++) {
    while (bounds[last + 1]! < q) last++;
    const away = q - places[last]!;
    out[q] = away * away + line[places[last]!]!;
  }
  for (let i = 0; i < count; i++) field[start + i * step] = out[i]!;
}

const crossing = (line: Float32Array, p: number, q: number): number =>
  (line[q]! + q * q - (line[p]! + p * p)) / (2 * (q - p));

/** Blurs so that an edge becomes a ramp of about `pixels` on each side: a Gaussian with sigma = pixels / 2. */
export function feather(mask: Coverage, pixels: number): Coverage {
  if (pixels <= 0) return mask;
  const { width, height } = mask.area;
  let data: Float32Array<ArrayBuffer> = mask.data;
  for (const radius of boxRadii(pixels / 2)) {
    data = boxBlur(data, height, width, width, 1, radius);
    data = boxBlur(data, width, height, 1, width, radius);
  }
  return { area: mask.area, data };
}

/** Radii of three box blurs that together come nearest to a Gaussian of this sigma (Kovesi 2010, "Fast Almost-Gaussian Filtering"). */
function boxRadii(sigma: number): number[] {
  const ideal = Math.sqrt((12 * sigma * sigma) / 3 + 1);
  const low = Math.floor(ideal) - (Math.floor(ideal) % 2 === 0 ? 1 : 0);
  const lows = Math.round((12 * sigma * sigma - 3 * low * low - 12 * low - 9) / (-4 * low - 4));
  return [0, 1, 2].map((i) => ((i < lows ? low : low + 2) - 1) / 2);
}

/** A running mean along lines; beyond the ends the last value goes on, so that a full mask stays full. */
function boxBlur(
  source: Float32Array<ArrayBuffer>,
  lines: number,
  length: number,
  lineStep: number,
  step: number,
  radius: number,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(source.length);
  const size = 2 * radius + 1;
  for (let line = 0; line < lines; line++) {
    const start = line * lineStep;
    const at = (i: number) => source[start + Math.min(Math.max(i, 0), length - 1) * step]!;
    let sum = 0;
    for (let i = -radius; i <= radius; i++) sum += at(i);
    for (let i = 0; i < length; i++) {
      out[start + i * step] = Math.min(1, Math.max(0, sum / size));
      sum += at(i + radius + 1) - at(i - radius);
    }
  }
  return out;
}

/** The mask as the model and the blend see it: grown, then feathered. */
export const soften = (mask: Coverage, by: { readonly grow: number; readonly feather: number }): Coverage =>
  feather(grow(mask, by.grow), by.feather);
