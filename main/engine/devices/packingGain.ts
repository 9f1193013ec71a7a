/** Whether packed weights pay on this machine: measured once against float32, beside a check of their numbers. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { env, type InferenceSession, Tensor } from 'onnxruntime-node';
import { z } from 'zod';
import { buildGraph } from '../../../native-models/graph/build.ts';
import { input, type Value } from '../../../native-models/graph/value.ts';
import { conv2d, linear } from '../../../native-models/layers/basic.ts';
import { type Packing, rootScope, type Scope } from '../../../native-models/layers/scope.ts';
import { layerSource } from '../../../native-models/weights/packed.ts';
import { sizeOf } from '../../pipeline/tensor.ts';
import { relativeL2, wave } from '../runtime/probing.ts';
import { createSession, DEFAULT_SESSION } from '../runtime/sessions.ts';
import { runOne } from '../runtime/tensors.ts';

/** Time of the packed layers over the time of the float32 ones, and the larger of their relative errors. */
export interface PackingGain {
  readonly timeRatio: number;
  readonly relativeError: number;
}
/** Of every form that weights are packed in. */
export type PackingGains = Readonly<Record<Packing, PackingGain>>;

/** Above this ratio the gain is not worth the error. */
export const WORTHWHILE = 0.9;
/** What right kernels stay below here; saturating ones (8-bit products without VNNI) err by tens of percent. */
export const RIGHT: Readonly<Record<Packing, number>> = { 8: 3e-2, 16: 1e-3, winograd: 1e-4 };

/** What was measured, and whether the machine was left alone meanwhile. */
export interface Measured {
  readonly gains: PackingGains;
  readonly steady: boolean;
}

const gain = z.object({ timeRatio: z.number(), relativeError: z.number() });
const known = z.object({
  /** See machineOf. */
  machine: z.string(),
  gains: z.object({ 8: gain, 16: gain, winograd: gain }),
  steady: z.boolean(),
  /** When, in milliseconds since 1970. */
  at: z.number(),
});
type Known = z.infer<typeof known>;

const GAINS_FILE = 'packing-gains.json';
/** What a busy machine measured is believed for so long: not every job is to wait for another try. */
const BELIEVED = 10 * 60_000;
/** Two runs that differ by no more than this confirm each other. */
const NEAR = 1.1;
/** What is measured; undefined is float32. */
const KINDS = [undefined, 8, 16, 'winograd'] as const;

/** What this process measured itself, for where no file can be written. */
let own: Known | undefined;

/**
 * The gains on this machine, from `folder` when the same processor and ONNX Runtime measured them there. Takes a second or
 * two, more on a busy machine, whose numbers are measured again when some minutes have passed.
 */
export async function packingGains(
  folder: string,
  threads: number,
  measure: (threads: number) => Promise<Measured> = measureGains,
): Promise<PackingGains> {
  for (const earlier of [readKnown(join(folder, GAINS_FILE)), own])
    if (earlier?.machine === machineOf(threads) && isBelieved(earlier)) return earlier.gains;
  const measured = await measure(threads);
  keepGains(folder, threads, measured.gains, measured.steady);
  return measured.gains;
}

function isBelieved({ steady, at }: Known): boolean {
  return steady || Math.abs(Date.now() - at) < BELIEVED;
}

/** Keeps what was measured, for the next start too where the folder can be written. */
export function keepGains(folder: string, threads: number, gains: PackingGains, steady = true): void {
  own = { machine: machineOf(threads), gains, steady, at: Date.now() };
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, GAINS_FILE), JSON.stringify(own));
  } catch {
    // A folder that takes no file: this process remembers, the next one measures again.
  }
}

/** What the gains depend on. */
function machineOf(threads: number): string {
  return [KINDS.join('/'), env.versions.node, process.arch, cpus()[0]?.model, cpus().length, threads].join(
    '|',
  );
}

function readKnown(path: string): Known | undefined {
  try {
    return known.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined; // never measured, or not by this version, or half a file: measured again
  }
}

/** What a U-Net spends its time on: a 3×3 convolution, and the feed-forward product of a transformer block. */
const PROBES = [
  {
    input: [2, 320, 32, 32],
    weight: [320, 320, 3, 3],
    layer: (scope: Scope, x: Value) => conv2d(scope, x, 320, 320),
  },
  { input: [2048, 640], weight: [2560, 640], layer: (scope: Scope, x: Value) => linear(scope, x, 640, 2560) },
] as const;

interface Candidate {
  readonly session: InferenceSession;
  readonly x: Tensor;
  output: Float32Array;
  /** Of all runs, in milliseconds. */
  readonly times: number[];
}

/** Float32 and every packing in turn, so that a busy machine is busy for all; the fastest run of each counts. */
export async function measureGains(threads: number): Promise<Measured> {
  const byKind: Candidate[][] = [];
  for (const packing of KINDS)
    byKind.push(await Promise.all(PROBES.map((probe) => prepare(probe, packing, threads))));
  const all = byKind.flat();
  const steady = await untilConfirmed(
    async () => {
      for (const candidate of all) await runOnce(candidate);
    },
    () => all.every(({ times }) => isConfirmed(times)),
  );
  for (const { session } of all) await session.release();
  const [float, ...packed] = byKind;
  const [eight, sixteen, winograd] = packed.map((candidates) => compare(candidates, float!));
  return { gains: { 8: eight!, 16: sixteen!, winograd: winograd! }, steady };
}

/** Rounds, a few at least (the first run of a session is slow), until `confirmed` or patience ends; whether it was. */
export async function untilConfirmed(
  round: () => Promise<void>,
  confirmed: () => boolean,
  { fewest = 5, most = 20, milliseconds = 5000 } = {},
): Promise<boolean> {
  const start = performance.now();
  for (let done = 1; done <= most; done++) {
    await round();
    if (done >= fewest && confirmed()) return true;
    if (done >= fewest && performance.now() - start > milliseconds) return false;
  }
  return false;
}

/** Whether a second run came near the fastest: on a machine with other work no two do. */
export function isConfirmed(times: readonly number[]): boolean {
  const [fastest = 0, second = Number.POSITIVE_INFINITY] = times.toSorted((a, b) => a - b);
  return second <= fastest * NEAR;
}

async function prepare(
  { input: shape, weight: weightShape, layer }: (typeof PROBES)[number],
  packing: Packing | undefined,
  threads: number,
): Promise<Candidate> {
  const weight = wave(sizeOf(weightShape), 0.23);
  const scope = rootScope(layerSource(weight, weightShape, packing), { flavour: 'cpu' });
  const graph = buildGraph({ y: layer(scope, input('x', 'float32', shape)) });
  const session = await createSession(graph, {
    ...DEFAULT_SESSION,
    threads,
    prepack: typeof packing === 'number',
  });
  const x = new Tensor('float32', wave(sizeOf(shape), 0.37), shape);
  return { session, x, output: new Float32Array(), times: [] };
}

async function runOnce(candidate: Candidate): Promise<void> {
  const start = performance.now();
  const { data } = await runOne(candidate.session, { x: candidate.x }, 'y');
  candidate.times.push(performance.now() - start);
  candidate.output = data;
}

function compare(packed: readonly Candidate[], float: readonly Candidate[]): PackingGain {
  const total = (of: readonly Candidate[]): number =>
    of.reduce((sum, { times }) => sum + Math.min(...times), 0);
  const errors = packed.map(({ output }, index) => relativeL2(output, float[index]!.output));
  return { timeRatio: total(packed) / total(float), relativeError: Math.max(...errors) };
}
