/**
 * Pictures of any size through an upscaler in tiles: rows of tiles are finished and handed on one after the other, so
 * that memory depends on the width alone. Pure: reading, running and writing are passed in.
 */
import type { EsrganConfig } from '../../native-models/models/configs.ts';
import { type Tensor, tensor } from './tensor.ts';

/** How a picture is cut. All but `scale` in input pixels. */
export interface UpscalePlan {
  readonly tile: number;
  /** What is thrown away along a tile's inner edges, where the network lacks the neighbours. */
  readonly margin: number;
  /** Over this width neighbouring tiles blend into each other. */
  readonly fade: number;
  /** Tiles begin and end on multiples of this (pixel-unshuffle). */
  readonly multiple: number;
  readonly scale: number;
}

export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface UpscaleSteps {
  /** [1, C, height, width] of an area that may reach beyond the right and lower edge by less than `multiple`. */
  readonly read: (area: Area) => Tensor;
  readonly run: (tile: Tensor) => Promise<Tensor>;
  /** Finished rows from `top` on, [1, C, rows, width·scale]. */
  readonly emit: (top: number, rows: Tensor) => void;
  readonly onTile?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * RRDBNet sees far, but what lies beyond 16 pixels of its trunk changes it by less than 1e-4 (measured on random
 * weights); the compact network sees exactly as far as it has convolutions.
 */
const RRDB_MARGIN = 16;
const FADE = 8;

/** A plan for tiles of about `tile` pixels; small tiles are made large enough to have an inside. */
export function upscalePlan(config: EsrganConfig, tile: number): UpscalePlan {
  const multiple = config.kind === 'rrdb' ? config.unshuffle : 1;
  const margin = config.kind === 'rrdb' ? RRDB_MARGIN * multiple : config.convs + 2;
  const smallest = 2 * margin + 4 * FADE;
  const side = Math.ceil(Math.max(tile, smallest) / multiple) * multiple;
  return { tile: side, margin, fade: FADE, multiple, scale: config.scale };
}

/** How many tiles a picture takes. */
export function tileCount(width: number, height: number, plan: UpscalePlan): number {
  return spansOf(width, plan).length * spansOf(height, plan).length;
}

/** Enlarges a picture of width × height by the plan's scale. */
export async function upscaleInStrips(
  { width, height }: { readonly width: number; readonly height: number },
  plan: UpscalePlan,
  steps: UpscaleSteps,
): Promise<void> {
  const rows = spansOf(height, plan);
  const columns = spansOf(width, plan);
  let done = 0;
  let carried: Float32Array | undefined;
  for (const row of rows) {
    let strip: Strip | undefined;
    for (const column of columns) {
      steps.signal?.throwIfAborted();
      const area = { x: column.start, y: row.start, width: column.length, height: row.length };
      const output = await steps.run(steps.read(area));
      strip ??= startStrip(output.shape[1]!, row, width * plan.scale, carried);
      addTile(strip, output, row, column, plan.scale);
      steps.onTile?.(++done, rows.length * columns.length);
    }
    const finished = strip!.rows - row.fadeAfter;
    steps.emit(row.from, rowsOf(strip!, 0, finished));
    carried = rowsOf(strip!, finished, strip!.rows).data;
  }
}

/** One tile along one side: what it reads, in input pixels, and which part of its output counts, in output pixels. */
interface Span {
  readonly start: number;
  readonly length: number;
  /** The output pixels that this tile has a share in: [from, to). */
  readonly from: number;
  readonly to: number;
  /** Of these, how many at either end it shares with a neighbour. */
  readonly fadeBefore: number;
  readonly fadeAfter: number;
}

/** Evenly spread tiles; neighbours meet in the middle of what both read. */
function spansOf(size: number, { tile, margin, fade, multiple, scale }: UpscalePlan): Span[] {
  const padded = Math.ceil(size / multiple) * multiple;
  const overlap = 2 * margin + fade;
  const count = padded <= tile ? 1 : Math.ceil((padded - overlap) / (tile - overlap));
  const startOf = (i: number): number =>
    count === 1 ? 0 : Math.floor((i * (padded - tile)) / (count - 1) / multiple) * multiple;
  const shared = fade * scale;
  const length = Math.min(tile, padded);
  return Array.from({ length: count }, (_, i) => {
    const cutBefore = Math.floor((startOf(i) + startOf(i - 1) + tile) / 2) * scale;
    const cutAfter = Math.floor((startOf(i + 1) + startOf(i) + tile) / 2) * scale;
    const [first, last] = [i === 0, i === count - 1];
    return {
      start: startOf(i),
      length,
      from: first ? 0 : cutBefore - shared / 2,
      to: last ? size * scale : cutAfter + shared / 2,
      fadeBefore: first ? 0 : shared,
      fadeAfter: last ? 0 : shared,
    };
  });
}

/** Output rows in the making. */
interface Strip {
  readonly channels: number;
  readonly rows: number;
  readonly width: number;
  readonly data: Float32Array<ArrayBuffer>; // [channels, rows, width]
}

function startStrip(
  channels: number,
  { from, to, fadeBefore }: Span,
  width: number,
  carried: Float32Array | undefined,
): Strip {
  const rows = to - from;
  const data = new Float32Array(channels * rows * width);
  if (carried)
    for (let c = 0; c < channels; c++)
      data.set(carried.subarray(c * fadeBefore * width, (c + 1) * fadeBefore * width), c * rows * width);
  return { channels, rows, width, data };
}

function addTile(strip: Strip, output: Tensor, row: Span, column: Span, scale: number): void {
  const [, channels = 0, height = 0, width = 0] = output.shape;
  const down = shares(row);
  const across = shares(column);
  const left = column.from - column.start * scale;
  const top = row.from - row.start * scale;
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < down.length; y++) {
      const to = (c * strip.rows + y) * strip.width + column.from;
      const from = (c * height + top + y) * width + left;
      for (let x = 0; x < across.length; x++)
        strip.data[to + x]! += output.data[from + x]! * down[y]! * across[x]!;
    }
}

/** A tile's share in each of its output pixels; those of neighbours add up to 1. */
function shares({ from, to, fadeBefore, fadeAfter }: Span): Float32Array {
  const length = to - from;
  return Float32Array.from({ length }, (_, i) => {
    if (i < fadeBefore) return (i + 0.5) / fadeBefore;
    return i >= length - fadeAfter ? (length - i - 0.5) / fadeAfter : 1;
  });
}

/** Rows [first, last) of a strip. */
function rowsOf({ channels, rows, width, data }: Strip, first: number, last: number): Tensor {
  const count = last - first;
  const part = new Float32Array(channels * count * width);
  for (let c = 0; c < channels; c++)
    part.set(data.subarray((c * rows + first) * width, (c * rows + last) * width), c * count * width);
  return tensor(part, [1, channels, count, width]);
}
