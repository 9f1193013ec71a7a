/**
 * Brownian tree noise: one Brownian path per seed, so that SDE samplers get the same noise however finely they step.
 * Same numbers as torchsde's BrownianTree behind k-diffusion's BrownianTreeNoiseSampler (Li et al. 2020, §4, with the
 * splittable seeds of Kidger et al. 2021, Algorithm 2).
 */
import { seedSequence } from './seedSequence.ts';
import { torchGenerator } from './torchGenerator.ts';

/** Times are rounded to this many decimals; the tree is no deeper than that. */
const DECIMALS = 6;
const POOL_SIZE = 24;
/** Increments kept for the next query, which is usually near the last one. */
const CACHED_INCREMENTS = 45;

/** Average increment per square root of time between two sigmas: unit normal, negative for a descending pair. */
export type BrownianNoise = (sigma: number, sigmaNext: number) => Float32Array<ArrayBuffer>;

/** One interval of the binary tree. `index` counts from the left among the 2^depth intervals of its depth. */
interface Interval {
  readonly start: number;
  readonly end: number;
  readonly index: bigint;
  readonly depth: bigint;
}

/** The path of `size` values over [sigmaMin, sigmaMax] for a 64-bit seed. Sigmas outside are moved to the nearer end. */
export function brownianNoise(seed: bigint, size: number, sigmaMin: number, sigmaMax: number): BrownianNoise {
  const [low, high] = [Math.fround(sigmaMin), Math.fround(sigmaMax)];
  const root: Interval = { start: round(low), end: round(high), index: 0n, depth: 0n };
  const [rootSeed] = seedSequence(seed, [], POOL_SIZE, 1);
  const whole = scaled(normals(rootSeed!, size), Math.sqrt(high - low));
  const increment = cachedIncrements(seed);
  return (sigma, sigmaNext) => {
    const [from, to] = [Math.fround(Math.min(sigma, sigmaNext)), Math.fround(Math.max(sigma, sigmaNext))];
    const sum = new Float32Array(size);
    addIncrement(sum, root, whole, clampedTo(root, from), clampedTo(root, to), increment);
    const direction = sigma > sigmaNext ? -1 : 1;
    return scaled(sum, direction / Math.sqrt(to - from));
  };
}

type LeftIncrement = (parent: Interval, middle: number, whole: Float32Array) => Float32Array<ArrayBuffer>;

/** Adds the path's increment over [from, to] to `sum`, descending only where the query cuts an interval. */
function addIncrement(
  sum: Float32Array,
  interval: Interval,
  whole: Float32Array,
  from: number,
  to: number,
  leftIncrement: LeftIncrement,
): void {
  const { start, end, index, depth } = interval;
  if (from >= to) return;
  if (from === start && to === end) {
    for (let i = 0; i < sum.length; i++) sum[i]! += whole[i]!;
    return;
  }
  const middle = round(0.5 * (start + end));
  const left = leftIncrement(interval, middle, whole);
  const leftChild = { start, end: middle, index: 2n * index, depth: depth + 1n };
  if (from < middle) addIncrement(sum, leftChild, left, from, Math.min(to, middle), leftIncrement);
  if (to <= middle) return;
  const rightChild = { start: middle, end, index: 2n * index + 1n, depth: depth + 1n };
  const right = whole.map((value, i) => value - left[i]!);
  addIncrement(sum, rightChild, right, Math.max(from, middle), to, leftIncrement);
}

/** Brownian bridge: given the increment over the parent, the one over its left half is normal around its share. */
function bridge(
  seed: bigint,
  { start, end, index, depth }: Interval,
  middle: number,
  whole: Float32Array,
): Float32Array<ArrayBuffer> {
  const [nodeSeed] = seedSequence(seed, [index, depth], POOL_SIZE, 1);
  const left = normals(nodeSeed!, whole.length);
  const share = (middle - start) / (end - start);
  const deviation = Math.sqrt(share * (end - middle));
  for (let i = 0; i < left.length; i++) left[i] = share * whole[i]! + deviation * left[i]!;
  return left;
}

/** `bridge` with the most recently used results kept. */
function cachedIncrements(seed: bigint): LeftIncrement {
  const recent = new Map<string, Float32Array<ArrayBuffer>>();
  return (parent, middle, whole) => {
    const key = `${parent.depth}/${parent.index}`;
    const left = recent.get(key) ?? bridge(seed, parent, middle, whole);
    recent.delete(key);
    recent.set(key, left);
    if (recent.size > CACHED_INCREMENTS) recent.delete(recent.keys().next().value!);
    return left;
  };
}

function normals(seed: number, size: number): Float32Array<ArrayBuffer> {
  return torchGenerator(BigInt(seed)).randn(size);
}

function scaled(values: Float32Array, factor: number): Float32Array<ArrayBuffer> {
  return new Float32Array(values.length).map((_, i) => values[i]! * factor);
}

function clampedTo({ start, end }: Interval, time: number): number {
  return Math.min(end, Math.max(start, round(time)));
}

/** Python's round(x, 6): exact decimal rounding, ties to even. Only odd multiples of 1/128 lie exactly between two. */
function round(time: number): number {
  const rounded = Number(time.toFixed(DECIMALS));
  const isTie = Math.abs((time * 128) % 2) === 1;
  const millionths = Math.round(rounded * 10 ** DECIMALS);
  return isTie && millionths % 2 !== 0
    ? Number(((millionths - 1) / 10 ** DECIMALS).toFixed(DECIMALS))
    : rounded;
}
