/** Large pictures in overlapping tiles, blended without a seam. Pure: what runs on a tile is passed in. */
import { type Nchw, nchw, type Tensor, tensor, zeros } from './tensor.ts';

export interface TileOptions {
  /** Largest side of a tile in input units; input no larger than this is run whole. */
  readonly tile: number;
  /** How far neighbouring tiles share their input. */
  readonly overlap: number;
  /** Output units per input unit along each side (8 for VAE decoding, 1/8 for encoding, 4 for a ×4 upscaler). */
  readonly scale: number;
  /** Called after each tile. */
  readonly onTile?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** Runs `run` on every tile of x [B, C, H, W] and cross-fades the results linearly over the overlaps. */
export async function runTiled(
  x: Tensor,
  options: TileOptions,
  run: (tile: Tensor) => Promise<Tensor>,
): Promise<Tensor> {
  const [, , height, width] = nchw(x);
  if (height <= options.tile && width <= options.tile) return run(x);
  const rows = tilesAlong(height, options);
  const columns = tilesAlong(width, options);
  let blend: Blend | undefined;
  let done = 0;
  for (const top of rows.starts) {
    for (const left of columns.starts) {
      options.signal?.throwIfAborted();
      const input = crop(x, top, left, rows.length, columns.length);
      const output = await run(input);
      const [batch, channels] = nchw(output);
      blend ??= createBlend([batch, channels, height * options.scale, width * options.scale]);
      addTile(blend, output, top * options.scale, left * options.scale, options.overlap * options.scale);
      options.onTile?.(++done, rows.starts.length * columns.starts.length);
    }
  }
  return normalised(blend!);
}

/**
 * As few tiles as fit, all as long as `overlap` asks for and no longer: work grows by (1 + (n − 1)·overlap/size) a side.
 * The last one ends at the edge; when encoding, starts and lengths are multiples of the factor by which output shrinks.
 */
function tilesAlong(
  size: number,
  { tile, overlap, scale }: TileOptions,
): { readonly starts: readonly number[]; readonly length: number } {
  if (size <= tile) return { starts: [0], length: size };
  const grid = scale < 1 ? Math.round(1 / scale) : 1;
  const count = Math.ceil((size - overlap) / (tile - overlap));
  const length = Math.min(tile, Math.ceil((size + (count - 1) * overlap) / count / grid) * grid);
  const starts = Array.from(
    { length: count },
    (_, i) => Math.round((i * (size - length)) / (count - 1) / grid) * grid,
  );
  return { starts, length };
}

function crop(x: Tensor, top: number, left: number, height: number, width: number): Tensor {
  const [batch, channels, fullHeight, fullWidth] = nchw(x);
  const data = new Float32Array(batch * channels * height * width);
  for (let plane = 0; plane < batch * channels; plane++) {
    for (let row = 0; row < height; row++) {
      const from = (plane * fullHeight + top + row) * fullWidth + left;
      data.set(x.data.subarray(from, from + width), (plane * height + row) * width);
    }
  }
  return tensor(data, [batch, channels, height, width]);
}

interface Blend {
  readonly sum: Tensor;
  /** Total weight of every pixel; the same for all channels. */
  readonly weight: Float32Array;
}

function createBlend(shape: Nchw): Blend {
  return { sum: zeros(shape), weight: new Float32Array(shape[2] * shape[3]) };
}

function addTile({ sum, weight }: Blend, output: Tensor, top: number, left: number, fade: number): void {
  const [batch, channels, height, width] = nchw(output);
  const [, , fullHeight, fullWidth] = nchw(sum);
  const down = ramp(height, fade, top > 0, top + height < fullHeight);
  const across = ramp(width, fade, left > 0, left + width < fullWidth);
  for (let row = 0; row < height; row++) {
    const at = (top + row) * fullWidth + left;
    for (let column = 0; column < width; column++) weight[at + column]! += down[row]! * across[column]!;
    for (let plane = 0; plane < batch * channels; plane++) {
      const target = plane * fullHeight * fullWidth + at;
      const source = (plane * height + row) * width;
      for (let column = 0; column < width; column++) {
        sum.data[target + column]! += output.data[source + column]! * down[row]! * across[column]!;
      }
    }
  }
}

/** Weights along one side: 1 inside, rising from the edges that have a neighbour. */
function ramp(length: number, fade: number, before: boolean, after: boolean): Float32Array {
  return Float32Array.from({ length }, (_, i) => {
    const rise = before ? (i + 0.5) / fade : 1;
    const fall = after ? (length - i - 0.5) / fade : 1;
    return Math.max(1e-6, Math.min(1, rise, fall));
  });
}

function normalised({ sum, weight }: Blend): Tensor {
  const plane = weight.length;
  for (let i = 0; i < sum.data.length; i++) sum.data[i]! /= weight[i % plane]!;
  return sum;
}
