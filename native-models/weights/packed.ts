/** Packs float weights for products in 8-bit integers (layers/integer.ts): transposed to [K, N], one scale per output. */
import { constant, type Value } from '../graph/value.ts';
import { LOW_STEPS, PACKED } from '../layers/integer.ts';
import type { PackedBits, Packing, ParameterSource } from '../layers/scope.ts';
import { WINOGRAD, winogradTile } from '../layers/winograd.ts';
import { winogradKernels } from './winogradKernels.ts';

export interface PackedWeight {
  /** K: inputs of a linear; kernel·kernel·channels of a convolution, in this order. */
  readonly rows: number;
  /** N: outputs. */
  readonly columns: number;
  readonly high: Int8Array<ArrayBuffer>;
  readonly low?: Int8Array<ArrayBuffer>;
  /** [N]: W ≈ scale · (high + low/254). */
  readonly scale: Float32Array<ArrayBuffer>;
}

const LARGEST = 127;
/** Input channels transposed together: their rows of one tap stay in the cache while all outputs are visited. */
const TILE = 64;

/** Packs a torch weight [out, in] or [out, in, kh, kw]. Rounds to nearest; symmetric, so that zero stays zero. */
export function packWeight(values: Float32Array, shape: readonly number[], bits: PackedBits): PackedWeight {
  const [columns, channels, ...kernel] = shape as [number, number, ...number[]];
  const taps = kernel.reduce((a, b) => a * b, 1);
  const rows = taps * channels;
  const high = new Int8Array(rows * columns);
  const low = bits === 16 ? new Int8Array(rows * columns) : undefined;
  const scale = outputScales(values, columns, rows);
  const sizes = { columns, channels, taps };
  for (let first = 0; first < channels; first += TILE) {
    packTile(values, scale, { high, low }, sizes, first);
  }
  return { rows, columns, high, scale, ...(low && { low }) };
}

/** Largest magnitude of each output over 127; 1 for an output of zeros, which any scale serves. */
function outputScales(values: Float32Array, columns: number, rows: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: columns }, (_, column) => {
    let largest = 0;
    for (let i = column * rows; i < (column + 1) * rows; i++)
      largest = Math.max(largest, Math.abs(values[i]!));
    return largest === 0 ? 1 : largest / LARGEST;
  });
}

interface Sizes {
  readonly columns: number;
  readonly channels: number;
  readonly taps: number;
}

function packTile(
  values: Float32Array,
  scale: Float32Array,
  { high, low }: { high: Int8Array; low: Int8Array | undefined },
  { columns, channels, taps }: Sizes,
  first: number,
): void {
  const end = Math.min(channels, first + TILE);
  for (let column = 0; column < columns; column++) {
    const inverse = 1 / scale[column]!;
    for (let channel = first; channel < end; channel++) {
      const from = (column * channels + channel) * taps;
      for (let tap = 0; tap < taps; tap++) {
        const exact = values[from + tap]! * inverse;
        const near = Math.round(exact);
        const to = (tap * channels + channel) * columns + column;
        high[to] = near;
        if (low) low[to] = Math.round((exact - near) * LOW_STEPS);
      }
    }
  }
}

/** One layer as a source of parameters held in the graph itself, packed unless `packing` is missing: for probes and tests. */
export function layerSource(
  weight: Float32Array<ArrayBuffer>,
  shape: readonly number[],
  packing?: Packing,
  bias?: Float32Array<ArrayBuffer>,
): ParameterSource {
  const tensors: Record<string, Value> = { weight: constant(weight, shape) };
  if (bias) tensors['bias'] = constant(bias, [bias.length]);
  const tile = packing === 'winograd' && shape.length === 4 && winogradTile(shape as [number, number]);
  const form = packing === 'winograd' && !tile ? undefined : packing;
  if (tile) {
    const prepared = winogradKernels(weight, shape, tile);
    tensors[WINOGRAD] = constant(prepared, [(tile + 2) ** 2, shape[0]!, shape[1]!]);
  } else if (packing && packing !== 'winograd') {
    const { rows, columns, high, low, scale } = packWeight(weight, shape, packing);
    tensors[PACKED.high] = constant(high, [rows, columns]);
    if (low) tensors[PACKED.low] = constant(low, [rows, columns]);
    tensors[PACKED.scale] = constant(scale, [columns]);
  }
  return { has: (name) => name in tensors, get: (name) => tensors[name]!, packed: () => form };
}
