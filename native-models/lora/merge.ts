/**
 * Changes of a weight that no pair of live factors can say: LoHa (Hyeon-Woo et al. 2022), LoKr (Yeh et al. 2024),
 * DoRA (Liu et al. 2024) and whole differences. All matrices are [rows, columns] with the kernel flattened into columns.
 */
import { readTensorFloat32, type TensorInfo, WeightsError } from '../weights/tensors.ts';
import type { MergedModule } from './bind.ts';
import type { ModuleTensors } from './parse.ts';

type Floats = Float32Array<ArrayBuffer>;

interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Floats;
}

/** Keeps a norm of zero from dividing by it. */
const EPSILON = 2 ** -23;

/** base + weight · (what the module makes of it − base). Throws WeightsError when the module's sizes do not fit. */
export function mergedWeight(module: MergedModule, base: Floats, weight: number): Floats {
  return checked(module, () => {
    const delta = weightDelta(module, base.length);
    const { magnitude } = module.tensors;
    if (!magnitude) return delta ? base.map((value, i) => value + delta[i]! * weight) : base;
    const whole = delta ? base.map((value, i) => value + delta[i]!) : base;
    return decomposed(whole, base, module.site.shape, magnitude, weight);
  });
}

/** base + weight · difference, for a bias (or base = zeros where the layer has none). */
export function mergedBias(module: MergedModule, base: Floats, weight: number): Floats {
  const { tensors } = module;
  return checked(module, () => {
    const delta = fitting(readTensorFloat32(tensors.biasDiff!), base.length, tensors.biasDiff!);
    return base.map((value, i) => value + delta[i]! * weight);
  });
}

/** Sizes that do not fit are the file's fault, and reported so. */
function checked(module: MergedModule, merge: () => Floats): Floats {
  try {
    return merge();
  } catch (cause) {
    const [info] = Object.values(module.tensors);
    if (!(cause instanceof RangeError) || !info) throw cause;
    throw new WeightsError(info.path, cause.message, 'Choose a LoRA made for this model');
  }
}

/** The change at weight 1, or undefined where the module only changes the bias or the magnitude. */
function weightDelta({ tensors, alpha, site }: MergedModule, length: number): Floats | undefined {
  const { diff, down, hada_w1_a, lokr_w1, lokr_w1_a } = tensors;
  if (diff) return fitting(readTensorFloat32(diff), length, diff);
  const taps = site.shape.slice(2).reduce((a, b) => a * b, 1);
  const layer = { taps, length };
  if (down) return fitting(lowRank(tensors, alpha, layer), length, down);
  if (hada_w1_a) return fitting(hadamard(tensors, alpha, layer), length, hada_w1_a);
  const kron = lokr_w1 ?? lokr_w1_a;
  return kron ? fitting(kronecker(tensors, alpha, layer), length, kron) : undefined;
}

/** The layer that a change is for: numbers in a kernel's window and in its weight. */
interface Layer {
  readonly taps: number;
  readonly length: number;
}

function fitting(delta: Floats, length: number, info: TensorInfo): Floats {
  if (delta.length === length) return delta;
  throw misfit(info, delta.length, length);
}

/** Before memory is allotted: two short factors can ask for gigabytes. */
function requireRoom(count: number, length: number, info: TensorInfo): void {
  if (count > length) throw misfit(info, count, length);
}

function misfit(info: TensorInfo, count: number, length: number): RangeError {
  return new RangeError(`${info.name}: a change of ${count} numbers does not fit a weight of ${length}`);
}

/** alpha/rank · up · down. */
function lowRank(
  { down, mid, up }: ModuleTensors,
  alpha: number | undefined,
  { taps, length }: Layer,
): Floats {
  const first = matrix(down!);
  const last = matrix(required(up, down!));
  requireRoom(last.rows * first.columns * (mid ? taps : 1), length, down!);
  const joined = mid ? throughCore(transposed(last), first, mid, taps) : product(last, first);
  return scaled(joined, alpha, first.rows).data;
}

/** alpha/rank · (w1a·w1b) ∘ (w2a·w2b), either product through a Tucker core where there is one. */
function hadamard(tensors: ModuleTensors, alpha: number | undefined, layer: Layer): Floats {
  const { hada_w1_a: w1a, hada_w1_b: w1b, hada_w2_a: w2a, hada_w2_b: w2b, hada_t1, hada_t2 } = tensors;
  const first = factored(w1a!, required(w1b, w1a!), hada_t1, layer);
  const second = factored(required(w2a, w1a!), required(w2b, w1a!), hada_t2, layer);
  const data = fitting(first.data, second.data.length, w1a!).map((value, i) => value * second.data[i]!);
  return scaled({ ...first, data }, alpha, w1b!.shape[0]!).data;
}

/** alpha/rank · w1 ⊗ w2; each may be given whole or in factors, and two whole ones are not scaled. */
function kronecker(tensors: ModuleTensors, alpha: number | undefined, layer: Layer): Floats {
  const { lokr_w1, lokr_w1_a, lokr_w1_b, lokr_w2, lokr_w2_a, lokr_w2_b, lokr_t2 } = tensors;
  const any = (lokr_w1 ?? lokr_w1_a)!;
  const first = lokr_w1
    ? matrix(lokr_w1)
    : factored(required(lokr_w1_a, any), required(lokr_w1_b, any), undefined, layer);
  const second = lokr_w2
    ? matrix(lokr_w2)
    : factored(required(lokr_w2_a, any), required(lokr_w2_b, any), lokr_t2, layer);
  const rank = lokr_w2_b?.shape[0] ?? lokr_w1_b?.shape[0];
  const columns = first.columns * second.columns;
  requireRoom(first.rows * second.rows * columns, layer.length, any);
  const data = new Float32Array(first.rows * second.rows * columns);
  for (let r1 = 0; r1 < first.rows; r1++)
    for (let c1 = 0; c1 < first.columns; c1++) {
      const factor = first.data[r1 * first.columns + c1]!;
      for (let r2 = 0; r2 < second.rows; r2++) {
        const to = (r1 * second.rows + r2) * columns + c1 * second.columns;
        for (let c2 = 0; c2 < second.columns; c2++)
          data[to + c2] = factor * second.data[r2 * second.columns + c2]!;
      }
    }
  return rank === undefined ? data : scaled({ rows: 1, columns: data.length, data }, alpha, rank).data;
}

/** a·b, a [out, rank] and b [rank, in·taps]; with a Tucker core, a [rank, out] and b [rank, in]. */
function factored(
  a: TensorInfo,
  b: TensorInfo,
  core: TensorInfo | undefined,
  { taps, length }: Layer,
): Matrix {
  const [first, last] = [matrix(a), matrix(b)];
  requireRoom(last.columns * (core ? first.columns * taps : first.rows), length, a);
  return core ? throughCore(first, last, core, taps) : product(first, last);
}

/** Σ_ij core[i, j, tap] · a[i, out] · b[j, in] as [out, in·taps]. */
function throughCore(a: Matrix, b: Matrix, core: TensorInfo, taps: number): Matrix {
  const t = readTensorFloat32(core);
  if (t.length !== a.rows * b.rows * taps)
    throw new RangeError(`${core.name}: the core does not fit its factors`);
  const inner = new Float32Array(a.rows * b.columns * taps); // [i, in, tap]
  for (let i = 0; i < a.rows; i++)
    for (let j = 0; j < b.rows; j++)
      for (let c = 0; c < b.columns; c++)
        for (let tap = 0; tap < taps; tap++)
          inner[(i * b.columns + c) * taps + tap]! +=
            t[(i * b.rows + j) * taps + tap]! * b.data[j * b.columns + c]!;
  return product(transposed(a), { rows: a.rows, columns: b.columns * taps, data: inner });
}

/**
 * DoRA: the direction of `merged` with a learned length, faded in by `weight`. Lengths are those of rows where there is
 * one magnitude per output (peft, kohya), of input channels where the magnitude is [1, in, …] (LyCORIS).
 */
function decomposed(
  merged: Floats,
  base: Floats,
  [outFeatures = 0, inFeatures = 0, ...kernel]: readonly number[],
  info: TensorInfo,
  weight: number,
): Floats {
  const taps = kernel.reduce((a, b) => a * b, 1);
  const magnitude = readTensorFloat32(info);
  const byInput = info.name.endsWith('.dora_scale') && info.shape[0] === 1 && outFeatures > 1;
  if (magnitude.length !== (byInput ? inFeatures : outFeatures))
    throw new RangeError(`${info.name}: ${magnitude.length} magnitudes for [${outFeatures}, ${inFeatures}]`);
  const groupOf = byInput
    ? (i: number): number => Math.floor(i / taps) % inFeatures
    : (i: number): number => Math.floor(i / (inFeatures * taps));
  const squares = new Float64Array(magnitude.length);
  for (let i = 0; i < merged.length; i++) squares[groupOf(i)]! += merged[i]! ** 2;
  const factors = magnitude.map((length, group) => length / (Math.sqrt(squares[group]!) + EPSILON));
  return merged.map((value, i) => base[i]! + weight * (value * factors[groupOf(i)]! - base[i]!));
}

function required(info: TensorInfo | undefined, beside: TensorInfo): TensorInfo {
  if (info) return info;
  throw new RangeError(`${beside.name}: another factor of the same module is missing`);
}

/** A tensor as [first axis, the rest]. */
function matrix(info: TensorInfo): Matrix {
  const data = readTensorFloat32(info);
  const rows = info.shape[0] ?? 1;
  return { rows, columns: rows === 0 ? 0 : data.length / rows, data };
}

function product(a: Matrix, b: Matrix): Matrix {
  if (a.columns !== b.rows)
    throw new RangeError(`factors of ${a.columns} and ${b.rows} ranks do not multiply`);
  const data = new Float32Array(a.rows * b.columns);
  for (let row = 0; row < a.rows; row++)
    for (let k = 0; k < a.columns; k++) {
      const factor = a.data[row * a.columns + k]!;
      const [to, from] = [row * b.columns, k * b.columns];
      for (let column = 0; column < b.columns; column++)
        data[to + column]! += factor * b.data[from + column]!;
    }
  return { rows: a.rows, columns: b.columns, data };
}

function transposed({ rows, columns, data }: Matrix): Matrix {
  const result = new Float32Array(data.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      result[column * rows + row] = data[row * columns + column]!;
  return { rows: columns, columns: rows, data: result };
}

function scaled(x: Matrix, alpha: number | undefined, rank: number): Matrix {
  if (alpha === undefined || alpha === rank) return x;
  return { ...x, data: x.data.map((value) => (value * alpha) / rank) };
}
