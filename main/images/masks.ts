/** Masks as float planes: made from pictures, grown, feathered and brought to latent size. 1 = repaint, 0 = keep. */
import { type Tensor, tensor } from '../pipeline/tensor.ts';
import type { Pixels } from './pixels.ts';

/** One value per pixel, rows from the top; 1 = repaint, 0 = keep, anything between blends. */
export interface Mask {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array<ArrayBuffer>;
}

/** Wraps `data`; throws when its length does not fit the size. */
export function maskOf(data: Float32Array<ArrayBuffer>, width: number, height: number): Mask {
  if (data.length !== width * height)
    throw new RangeError(`${data.length} values cannot fill a ${width}×${height} mask`);
  return { width, height, data };
}

/** As a network reads it: [1, 1, H, W], sharing the data. */
export function maskTensor({ data, width, height }: Mask): Tensor {
  return tensor(data, [1, 1, height, width]);
}

/** White = repaint. Grey by Pillow's integer luma, so that a grey picture's values come through exactly. */
export function maskFromGrey({ width, height, channels, data }: Pixels): Mask {
  const out = new Float32Array(width * height);
  for (let i = 0, from = 0; i < out.length; i++, from += channels) {
    const luma = (data[from]! * 19595 + data[from + 1]! * 38470 + data[from + 2]! * 7471 + 0x8000) >> 16;
    out[i] = luma / 255;
  }
  return maskOf(out, width, height);
}

/** One channel as it is (0 red … 3 alpha); a picture without alpha counts as opaque. */
export function maskFromChannel({ width, height, channels, data }: Pixels, channel: 0 | 1 | 2 | 3): Mask {
  const out = new Float32Array(width * height).fill(1);
  if (channel < channels) for (let i = 0; i < out.length; i++) out[i] = data[i * channels + channel]! / 255;
  return maskOf(out, width, height);
}

/** Transparent = repaint: what has been erased is painted anew. A picture without alpha gives an empty mask. */
export function maskFromAlpha(pixels: Pixels): Mask {
  return invertMask(maskFromChannel(pixels, 3));
}

/** What was kept is repainted, and the other way round. */
export function invertMask(mask: Mask): Mask {
  return { ...mask, data: mask.data.map((value) => 1 - value) };
}

/**
 * Grows (radius > 0) or shrinks (radius < 0) by a disc of |radius| pixels: grey-level dilation and erosion.
 * Nothing comes in from outside the picture: a mask that touches the border keeps touching it.
 */
export function growMask(mask: Mask, radius: number): Mask {
  if (radius === 0) return mask;
  return radius > 0 ? dilate(mask, radius) : invertMask(dilate(invertMask(mask), -radius));
}

/** Gaussian feather with standard deviation `sigma` pixels; the border mirrors (cv2.GaussianBlur, kernel 2·⌊2.5σ+½⌋+1, as A1111). */
export function blurMask(mask: Mask, sigma: number): Mask {
  const radius = Math.floor(2.5 * sigma + 0.5);
  if (radius === 0) return mask;
  return maskOf(gaussianPlane(mask.data, mask.width, mask.height, sigma, radius), mask.width, mask.height);
}

/** Separable Gaussian of one float plane; values outside mirror about the border pixel (reflect-101). */
export function gaussianPlane(
  plane: Float32Array,
  width: number,
  height: number,
  sigma: number,
  radius: number = Math.ceil(3 * sigma),
): Float32Array<ArrayBuffer> {
  const kernel = gaussianKernel(sigma, radius);
  const columns = mirrored(width, radius);
  const rows = mirrored(height, radius);
  const across = new Float32Array(plane.length);
  const out = new Float32Array(plane.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let k = 0; k < kernel.length; k++) sum += kernel[k]! * plane[y * width + columns[x + k]!]!;
      across[y * width + x] = sum;
    }
  }
  for (let y = 0; y < height; y++) {
    for (let k = 0; k < kernel.length; k++) {
      const from = rows[y + k]! * width;
      for (let x = 0; x < width; x++)
        out[y * width + x] = out[y * width + x]! + kernel[k]! * across[from + x]!;
    }
  }
  return out;
}

/**
 * The mask at latent size: bilinear, align_corners=false, no antialias, not rounded
 * (torch.nn.functional.interpolate, as ComfyUI's SetLatentNoiseMask does it).
 */
export function latentMask(mask: Mask, width: number, height: number): Mask {
  const columns = bilinearTaps(mask.width, width);
  const rows = bilinearTaps(mask.height, height);
  const out = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const { low: top, high: bottom, part: down } = rows[y]!;
    for (let x = 0; x < width; x++) {
      const { low: left, high: right, part: across } = columns[x]!;
      const at = (row: number, column: number) => mask.data[row * mask.width + column]!;
      const upper = at(top, left) * (1 - across) + at(top, right) * across;
      const lower = at(bottom, left) * (1 - across) + at(bottom, right) * across;
      out[y * width + x] = upper * (1 - down) + lower * down;
    }
  }
  return maskOf(out, width, height);
}

/** For every offset dy the disc is a run of pixels: one sliding maximum per run width, then the rows are shifted together. */
function dilate({ width, height, data }: Mask, radius: number): Mask {
  const out = new Float32Array(data.length);
  for (let dy = 0; dy <= Math.floor(radius); dy++) {
    const reach = Math.floor(Math.sqrt(radius * radius - dy * dy));
    for (let y = 0; y < height; y++) {
      const run = slidingMaximum(data.subarray(y * width, (y + 1) * width), reach);
      if (y - dy >= 0) maximumInto(out.subarray((y - dy) * width, (y - dy + 1) * width), run);
      if (y + dy < height) maximumInto(out.subarray((y + dy) * width, (y + dy + 1) * width), run);
    }
  }
  return maskOf(out, width, height);
}

/** Maximum over i-reach…i+reach in constant time per value (van Herk 1992): block-wise prefix and suffix maxima. */
function slidingMaximum(row: Float32Array, reach: number): Float32Array {
  const n = row.length;
  const size = 2 * reach + 1;
  const prefix = Float32Array.from(row);
  const suffix = Float32Array.from(row);
  for (let i = 1; i < n; i++) if (i % size !== 0) prefix[i] = Math.max(prefix[i]!, prefix[i - 1]!);
  for (let i = n - 2; i >= 0; i--) if ((i + 1) % size !== 0) suffix[i] = Math.max(suffix[i]!, suffix[i + 1]!);
  const out = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    const from = Math.max(0, i - reach);
    const to = Math.min(n - 1, i + reach);
    // Cut off at a border, the window may lie within one block; then only one of the two stops at its ends.
    const oneBlock = Math.floor(from / size) === Math.floor(to / size);
    if (oneBlock) out[i] = i - reach < 0 ? prefix[to]! : suffix[from]!;
    else out[i] = Math.max(suffix[from]!, prefix[to]!);
  }
  return out;
}

function maximumInto(target: Float32Array, values: Float32Array): void {
  for (let i = 0; i < target.length; i++) if (values[i]! > target[i]!) target[i] = values[i]!;
}

function gaussianKernel(sigma: number, radius: number): Float64Array {
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-0.5 * ((i - radius) / sigma) ** 2),
  );
  const sum = kernel.reduce((a, b) => a + b, 0);
  return kernel.map((value) => value / sum);
}

/** Source index for every position -radius…size+radius-1, mirrored without repeating the border pixel. */
function mirrored(size: number, radius: number): Int32Array {
  const period = Math.max(1, 2 * (size - 1));
  return Int32Array.from({ length: size + 2 * radius }, (_, i) => {
    const phase = (((i - radius) % period) + period) % period;
    return Math.min(phase, period - phase, size - 1);
  });
}

function bilinearTaps(size: number, newSize: number): { low: number; high: number; part: number }[] {
  const scale = size / newSize;
  return Array.from({ length: newSize }, (_, i) => {
    const center = Math.max(0, (i + 0.5) * scale - 0.5);
    const low = Math.min(size - 1, Math.floor(center));
    return { low, high: Math.min(size - 1, low + 1), part: center - low };
  });
}
