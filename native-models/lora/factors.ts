/** LoRA factors as the graph's live inputs take them: one LoRA's laid out once, several stacked along the rank. */
import { readTensorFloat32 } from '../weights/tensors.ts';
import type { LivePair } from './bind.ts';

type Floats = Float32Array<ArrayBuffer>;

/** The factors of one layer. */
export interface Factors {
  readonly rank: number;
  /** [rank, in] for a linear; [rank, in, k, k] for a convolution. */
  readonly down: Floats;
  /** [rank, out] for a linear; [out, rank] for a convolution. */
  readonly up: Floats;
  /** alpha/rank. */
  readonly scale: number;
}

/** Reads one pair from its file. */
export function readFactors(pair: LivePair): Factors {
  const { rank, alpha, site } = pair;
  const scale = rank === 0 ? 0 : alpha / rank;
  const [outFeatures = 0, , ...kernel] = site.shape;
  const up = readTensorFloat32(pair.up);
  const down = readTensorFloat32(pair.down);
  if (kernel.length === 0) return { rank, scale, down, up: transposed(up, outFeatures, rank) };
  return { rank, scale, up, down: pair.mid ? throughCore(pair, down) : down };
}

/** Tucker: the 1×1 `down` followed by the core, as one convolution: Σ_s mid[r, s, k, k] · down[s, in]. */
function throughCore({ mid, rank, site }: LivePair, down: Floats): Floats {
  const [, inFeatures = 0, ...kernel] = site.shape;
  const taps = kernel.reduce((a, b) => a * b, 1);
  const core = readTensorFloat32(mid!);
  const result = new Float32Array(rank * inFeatures * taps);
  for (let r = 0; r < rank; r++)
    for (let s = 0; s < rank; s++)
      for (let i = 0; i < inFeatures; i++) {
        const factor = down[s * inFeatures + i]!;
        const to = (r * inFeatures + i) * taps;
        const from = (r * rank + s) * taps;
        for (let tap = 0; tap < taps; tap++) result[to + tap]! += core[from + tap]! * factor;
      }
  return result;
}

/** A LoRA's factors and how much of them is wanted. */
export interface WeightedFactors {
  readonly factors: Factors;
  readonly weight: number;
}

/** The three inputs of one layer (see adapter.ts), with the shapes that its graph declares. */
export interface StackedFactors extends Halves {
  /** weight·alpha/rank, rank by rank. */
  readonly scale: Floats;
  readonly scaleShape: readonly number[];
}

/** What stays when only weights change. */
interface Halves {
  readonly down: Floats;
  readonly downShape: readonly number[];
  readonly up: Floats;
  readonly upShape: readonly number[];
}

/**
 * Concatenates along the rank. Without parts the inputs add nothing: rank 0, or for a convolution a rank of zeros,
 * because ONNX Runtime's Conv leaves its output unset when there are no input channels. `emptyAxes: false` asks for zeros
 * everywhere: a product over an empty axis ends the process on WebGPU (ONNX Runtime 1.30).
 */
export function stackFactors(
  shape: readonly number[],
  given: readonly WeightedFactors[],
  { emptyAxes = true }: { readonly emptyAxes?: boolean } = {},
): StackedFactors {
  const isConv = shape.length > 2;
  const needsZeros = given.length === 0 && (isConv || !emptyAxes);
  const parts = needsZeros ? [noChange(shape)] : given;
  const halves = joinedHalves(
    shape,
    parts.map(({ factors }) => factors),
  );
  const scale = new Float32Array(halves.downShape[0]!);
  let at = 0;
  for (const { factors, weight } of parts) {
    scale.fill(weight * factors.scale, at, at + factors.rank);
    at += factors.rank;
  }
  return { ...halves, scale, scaleShape: isConv ? [at, 1, 1] : [at] };
}

function noChange([outFeatures = 0, ...rest]: readonly number[]): WeightedFactors {
  const taps = rest.reduce((a, b) => a * b, 1);
  const factors = { rank: 1, scale: 1, down: new Float32Array(taps), up: new Float32Array(outFeatures) };
  return { factors, weight: 1 };
}

/** What the last stack upon each first LoRA joined to: another weight copies nothing. */
const lastJoined = new WeakMap<Factors, { readonly parts: readonly Factors[]; readonly halves: Halves }>();

function joinedHalves(shape: readonly number[], parts: readonly Factors[]): Halves {
  const [first] = parts;
  const last = first && lastJoined.get(first);
  if (last?.parts.length === parts.length && last.parts.every((part, i) => part === parts[i]))
    return last.halves;
  const [outFeatures = 0, inFeatures = 0, ...kernel] = shape;
  const rank = parts.reduce((sum, part) => sum + part.rank, 0);
  const ups = parts.map(({ up }) => up);
  const isConv = kernel.length > 0;
  const halves = {
    down: rowsJoined(parts.map(({ down }) => down)),
    downShape: [rank, inFeatures, ...kernel],
    up: isConv ? columnsJoined(ups, outFeatures) : rowsJoined(ups),
    upShape: isConv ? [outFeatures, rank, 1, 1] : [rank, outFeatures],
  };
  if (first) lastJoined.set(first, { parts, halves });
  return halves;
}

/** Matrices one under another. */
function rowsJoined(parts: readonly Floats[]): Floats {
  if (parts.length === 1) return parts[0]!;
  const joined = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Matrices of `rows` rows side by side. */
function columnsJoined(parts: readonly Floats[], rows: number): Floats {
  if (parts.length === 1) return parts[0]!;
  const widths = parts.map(({ length }) => length / rows);
  const width = widths.reduce((sum, own) => sum + own, 0);
  const joined = new Float32Array(rows * width);
  let column = 0;
  for (const [index, part] of parts.entries()) {
    const own = widths[index]!;
    for (let row = 0; row < rows; row++)
      joined.set(part.subarray(row * own, (row + 1) * own), row * width + column);
    column += own;
  }
  return joined;
}

/** [rows, columns] → [columns, rows]. */
function transposed(values: Floats, rows: number, columns: number): Floats {
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      result[column * rows + row] = values[row * columns + column]!;
  return result;
}
