/** Resizing by separable filters with exact area weighting: one code for pictures and masks, the same bytes on every machine. */
import { type Mask, maskOf } from './masks.ts';
import { type Pixels, pixelsOf } from './pixels.ts';

/** Filters as Pillow defines them: wider than one source pixel when shrinking, so nothing aliases. */
export type ResampleFilter = 'area' | 'bilinear' | 'bicubic' | 'lanczos';

interface Filter {
  /** Half width in source pixels at scale 1. */
  readonly support: number;
  readonly weight: (x: number) => number;
}

const FILTERS: Readonly<Record<ResampleFilter, Filter>> = {
  area: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weight: (x) => keys(Math.abs(x), -0.5) },
  lanczos: { support: 3, weight: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** Resizes pixels; colours are weighted by alpha, so transparent pixels do not bleed. */
export function resizePixels(pixels: Pixels, width: number, height: number, filter: ResampleFilter): Pixels {
  if (width === pixels.width && height === pixels.height) return pixels;
  const { channels } = pixels;
  const out = new Uint8ClampedArray(width * height * channels);
  const source = channels === 4 ? premultiplied(pixels) : pixels.data;
  resample({ ...pixels, data: source }, width, height, filter, (y, row) => {
    if (channels === 4) divideByAlpha(row);
    out.set(row, y * width * channels);
  });
  return pixelsOf(new Uint8Array(out.buffer), width, height, channels);
}

/** Resizes a mask; values stay within 0–1. */
export function resizeMask(mask: Mask, width: number, height: number, filter: ResampleFilter): Mask {
  if (width === mask.width && height === mask.height) return mask;
  const out = new Float32Array(width * height);
  resample({ ...mask, channels: 1 }, width, height, filter, (y, row) => {
    for (let x = 0; x < width; x++) out[y * width + x] = Math.min(1, Math.max(0, row[x]!));
  });
  return maskOf(out, width, height);
}

interface Raster {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: ArrayLike<number>;
}

/** Which source pixels make target pixel i, and how much of each: weights[i] belongs to source pixels from first[i] on. */
interface Taps {
  readonly first: Int32Array;
  readonly weights: readonly Float64Array[];
}

/** Hands out the resized rows from the top; holds only the horizontally resized rows that the next row needs. */
function resample(
  source: Raster,
  width: number,
  height: number,
  filter: ResampleFilter,
  emit: (y: number, row: Float64Array) => void,
): void {
  const columns = tapsOf(source.width, width, FILTERS[filter]);
  const rows = tapsOf(source.height, height, FILTERS[filter]);
  const held = new Map<number, Float64Array>();
  for (let y = 0; y < height; y++) {
    const first = rows.first[y]!;
    for (const key of held.keys()) if (key < first) held.delete(key);
    const result = new Float64Array(width * source.channels);
    rows.weights[y]!.forEach((weight, k) => {
      const row = held.get(first + k) ?? resampleRow(source, first + k, width, columns);
      held.set(first + k, row);
      for (let i = 0; i < result.length; i++) result[i] = result[i]! + weight * row[i]!;
    });
    emit(y, result);
  }
}

function resampleRow(
  { width, channels, data }: Raster,
  y: number,
  newWidth: number,
  taps: Taps,
): Float64Array {
  const out = new Float64Array(newWidth * channels);
  for (let x = 0; x < newWidth; x++) {
    const weights = taps.weights[x]!;
    const start = (y * width + taps.first[x]!) * channels;
    for (let c = 0; c < channels; c++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k]! * data[start + k * channels + c]!;
      out[x * channels + c] = sum;
    }
  }
  return out;
}

function tapsOf(size: number, newSize: number, filter: Filter): Taps {
  const scale = size / newSize;
  const stretch = Math.max(1, scale);
  const support = filter.support * stretch;
  const first = new Int32Array(newSize);
  const weights = Array.from({ length: newSize }, (_, i) => {
    const center = (i + 0.5) * scale;
    const from = Math.max(0, Math.floor(center - support + 0.5));
    const to = Math.min(size, Math.max(from + 1, Math.floor(center + support + 0.5)));
    first[i] = from;
    return normalized(
      Float64Array.from({ length: to - from }, (_, k) => filter.weight((from + k + 0.5 - center) / stretch)),
    );
  });
  return { first, weights };
}

function normalized(weights: Float64Array): Float64Array {
  const sum = weights.reduce((a, b) => a + b, 0);
  // A box narrower than a pixel may miss every centre: the nearest pixel then stands alone.
  return sum === 0 ? weights.map((_, i) => (i === 0 ? 1 : 0)) : weights.map((w) => w / sum);
}

/** Cubic convolution (Keys 1981, equation 15). */
function keys(x: number, a: number): number {
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function premultiplied({ data }: Pixels): Float32Array {
  const out = Float32Array.from(data);
  for (let i = 0; i < out.length; i += 4) {
    const alpha = out[i + 3]! / 255;
    for (let c = 0; c < 3; c++) out[i + c] = out[i + c]! * alpha;
  }
  return out;
}

function divideByAlpha(row: Float64Array): void {
  for (let i = 0; i < row.length; i += 4) {
    const alpha = row[i + 3]! / 255;
    if (alpha > 0) for (let c = 0; c < 3; c++) row[i + c] = row[i + c]! / alpha;
  }
}
