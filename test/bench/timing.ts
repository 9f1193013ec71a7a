/** How the benchmark measures: medians, rounds that take turns, this machine's GEMM speed, this process's memory. */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { Tensor } from 'onnxruntime-node';
import { createSession } from '../../main/engine/runtime/sessions.ts';
import { buildGraph } from '../../native-models/graph/build.ts';
import { matmul } from '../../native-models/graph/ops.ts';
import { input } from '../../native-models/graph/value.ts';

const ROUNDS = 3;
const GEMM_SIZE = 2048;

/** Seconds that `run` takes once. */
export async function secondsOf(run: () => unknown): Promise<number> {
  const start = performance.now();
  await run();
  return (performance.now() - start) / 1000;
}

/** Median seconds of `rounds` runs after one that warms up. */
export async function medianSeconds(run: () => unknown, rounds = ROUNDS): Promise<number> {
  await run();
  const seconds: number[] = [];
  for (let round = 0; round < rounds; round++) seconds.push(await secondsOf(run));
  return median(seconds);
}

/**
 * Median seconds of each of several runs that take turns, so that their ratios hold on a machine whose speed drifts.
 * Each is warmed up once.
 */
export function medianSecondsInTurns<Name extends string>(
  runs: Readonly<Record<Name, () => unknown>>,
  rounds = ROUNDS,
): Promise<Record<Name, number>> {
  return inTurns(runs, secondsOf, rounds);
}

/** The same in CPU seconds of this process, all threads together: what other processes do weighs less on them. */
export function cpuSecondsInTurns<Name extends string>(
  runs: Readonly<Record<Name, () => unknown>>,
  rounds = ROUNDS,
): Promise<Record<Name, number>> {
  return inTurns(runs, cpuSecondsOf, rounds);
}

/** CPU seconds of this process while `run` runs once. */
export async function cpuSecondsOf(run: () => unknown): Promise<number> {
  const start = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

async function inTurns<Name extends string>(
  runs: Readonly<Record<Name, () => unknown>>,
  measure: (run: () => unknown) => Promise<number>,
  rounds: number,
): Promise<Record<Name, number>> {
  const entries = Object.entries(runs) as [Name, () => unknown][];
  for (const [, run] of entries) await run();
  const seconds = new Map<Name, number[]>(entries.map(([name]) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of entries) seconds.get(name)!.push(await measure(run));
  }
  return Object.fromEntries(entries.map(([name]) => [name, median(seconds.get(name)!)])) as Record<
    Name,
    number
  >;
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** What this machine's float32 matrix product reaches at this moment, GFLOP/s: the limit everything is compared with. */
export async function gemmSpeed(): Promise<number> {
  const shape = [GEMM_SIZE, GEMM_SIZE];
  const product = await createSession(
    buildGraph({ y: matmul(input('a', 'float32', shape), input('b', 'float32', shape)) }),
  );
  const feeds = {
    a: new Tensor('float32', wave(GEMM_SIZE ** 2), shape),
    b: new Tensor('float32', wave(GEMM_SIZE ** 2), shape),
  };
  const seconds = await medianSeconds(() => product.run(feeds));
  await product.release();
  return (2 * GEMM_SIZE ** 3) / seconds / 1e9;
}

/** Numbers without a pattern, −amplitude … amplitude. */
export function wave(count: number, amplitude = 1): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, (_, i) => amplitude * Math.sin(i * 12.9898));
}

/** A float32 tensor of `wave` numbers. */
export function waveTensor(...shape: number[]): Tensor {
  return new Tensor('float32', wave(shape.reduce((a, b) => a * b, 1)), shape);
}

/** Most memory this process ever held, GiB. */
export function peakGiB(): number {
  return process.resourceUsage().maxRSS / 2 ** 20;
}

/** Memory that only this process can hold (a mapped file gives its clean pages back), GiB; NaN where the system does not tell. */
export function privateGiB(): number {
  try {
    const rollup = readFileSync('/proc/self/smaps_rollup', 'utf8');
    const kilobytes = [...rollup.matchAll(/^Private_Dirty:\s+(\d+) kB/gm)].map(([, value]) => Number(value));
    return kilobytes.reduce((a, b) => a + b, 0) / 2 ** 20;
  } catch {
    return Number.NaN;
  }
}
