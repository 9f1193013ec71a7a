/**
 * Resizing tensors as torch.nn.functional.interpolate does it (align_corners off, no antialiasing), which is what
 * ComfyUI resizes latents and, except for Lanczos, pictures with. "bislerp" is ComfyUI's own: directions of the
 * channel vectors are turned into each other, lengths blended.
 */
import { nchw, type Tensor, tensor } from '../tensor.ts';

export const INTERPOLATIONS = ['nearest-exact', 'bilinear', 'area', 'bicubic', 'bislerp'] as const;
export type Interpolation = (typeof INTERPOLATIONS)[number];

/** Source positions and their shares for one target position. */
interface Taps {
  readonly at: readonly number[];
  readonly weights: readonly number[];
}

/** torch's cubic convolution has this coefficient (Keys 1981 with a = −0.75). */
const CUBIC = -0.75;
/** Vectors closer to parallel than this are not turned. */
const PARALLEL = 1e-5;

/** [B, C, H, W] → [B, C, height, width]. */
export function interpolate(x: Tensor, width: number, height: number, method: Interpolation): Tensor {
  const [, , oldHeight, oldWidth] = nchw(x);
  if (oldHeight === height && oldWidth === width) return x;
  const columns = Array.from({ length: width }, (_, i) => tapsOf(method, oldWidth, width, i));
  const rows = Array.from({ length: height }, (_, i) => tapsOf(method, oldHeight, height, i));
  if (method === 'bislerp') return transposed(slerpRows(transposed(slerpRows(x, columns)), rows));
  return transposed(blendRows(transposed(blendRows(x, columns)), rows));
}

function tapsOf(method: Interpolation, size: number, newSize: number, i: number): Taps {
  const scale = size / newSize;
  switch (method) {
    case 'nearest-exact': {
      // In single precision, as torch has it: in double, places that fall on a border lie before it or behind it.
      const at = Math.floor(Math.fround((i + 0.5) * Math.fround(scale)));
      return { at: [Math.min(size - 1, at)], weights: [1] };
    }
    case 'area': {
      // Divided last: a rounded scale would reach beyond the source (25 → 22).
      const from = Math.floor((i * size) / newSize);
      const count = Math.ceil(((i + 1) * size) / newSize) - from;
      return { at: Array.from({ length: count }, (_, k) => from + k), weights: Array(count).fill(1 / count) };
    }
    case 'bilinear':
    case 'bislerp': {
      const centre = Math.max(0, (i + 0.5) * scale - 0.5);
      const low = Math.min(size - 1, Math.floor(centre));
      return { at: [low, Math.min(size - 1, low + 1)], weights: [1 - (centre - low), centre - low] };
    }
    case 'bicubic': {
      const centre = (i + 0.5) * scale - 0.5;
      const low = Math.floor(centre);
      const offsets = [-1, 0, 1, 2];
      return {
        at: offsets.map((offset) => Math.min(size - 1, Math.max(0, low + offset))),
        weights: offsets.map((offset) => cubic(Math.abs(centre - low - offset))),
      };
    }
  }
}

function cubic(x: number): number {
  if (x <= 1) return ((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * CUBIC : 0;
}

/** Along the last axis. */
function blendRows({ data, shape }: Tensor, columns: readonly Taps[]): Tensor {
  const width = shape.at(-1)!;
  const rows = data.length / width;
  const out = new Float32Array(rows * columns.length);
  for (let row = 0; row < rows; row++) {
    for (const [i, { at, weights }] of columns.entries()) {
      let sum = 0;
      for (let k = 0; k < at.length; k++) sum += data[row * width + at[k]!]! * weights[k]!;
      out[row * columns.length + i] = sum;
    }
  }
  return tensor(out, [...shape.slice(0, -1), columns.length]);
}

/** Along the last axis, the channels of a place being one vector. */
function slerpRows(x: Tensor, columns: readonly Taps[]): Tensor {
  const [batch, channels, height, width] = nchw(x);
  const newWidth = columns.length;
  const out = new Float32Array(batch * channels * height * newWidth);
  for (let b = 0; b < batch; b++) {
    for (let y = 0; y < height; y++) {
      const vector = (column: number): number[] =>
        Array.from(
          { length: channels },
          (_, c) => x.data[((b * channels + c) * height + y) * width + column]!,
        );
      for (const [i, { at, weights }] of columns.entries()) {
        slerp(vector(at[0]!), vector(at[1]!), weights[1]!).forEach((value, c) => {
          out[((b * channels + c) * height + y) * newWidth + i] = value;
        });
      }
    }
  }
  return tensor(out, [batch, channels, height, newWidth]);
}

/** Spherical interpolation (Shoemake 1985); nearly parallel vectors keep the first, nearly opposite ones are mixed. */
function slerp(from: readonly number[], to: readonly number[], share: number): readonly number[] {
  const [fromLength, toLength] = [Math.hypot(...from), Math.hypot(...to)];
  const unit = (vector: readonly number[], length: number): number[] =>
    vector.map((value) => (length === 0 ? 0 : value / length));
  const [a, b] = [unit(from, fromLength), unit(to, toLength)];
  const cosine = a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  if (cosine > 1 - PARALLEL) return from;
  if (cosine < PARALLEL - 1) return from.map((value, i) => value * (1 - share) + to[i]! * share);
  const angle = Math.acos(cosine);
  const [near, far] = [Math.sin((1 - share) * angle), Math.sin(share * angle)];
  const length = (fromLength * (1 - share) + toLength * share) / Math.sin(angle);
  return a.map((value, i) => (near * value + far * b[i]!) * length);
}

/** The last two axes swapped. */
function transposed(image: Tensor): Tensor {
  const [batch, channels, height, width] = nchw(image);
  const plane = height * width;
  const out = new Float32Array(image.data.length);
  for (let start = 0; start < out.length; start += plane)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) out[start + x * height + y] = image.data[start + y * width + x]!;
  return tensor(out, [batch, channels, width, height]);
}
