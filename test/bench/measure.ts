/** One measurement in a process of its own, so that memory is its own too: prints one line of JSON. */

import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { type OpenedCheckpoint, openCheckpoint } from '../../main/engine/checkpoint.ts';
import { residualFeeds } from '../../main/engine/controls.ts';
import { cachedWeights } from '../../main/engine/fp32Cache.ts';
import { createLoraStore } from '../../main/engine/loras.ts';
import { createSession, DEFAULT_SESSION } from '../../main/engine/sessions.ts';
import { buildGraph, type Graph } from '../../native-models/graph/build.ts';
import { matmul } from '../../native-models/graph/ops.ts';
import { input } from '../../native-models/graph/value.ts';

export interface Measurement {
  /** Seconds to make the session. */
  readonly create: number;
  /** Median seconds of a run, per picture side. */
  readonly run: Readonly<Record<number, number>>;
  /** GEMM speed before and after, GFLOP/s. */
  readonly gemm: readonly [before: number, after: number];
  /** Peak resident memory and what of it is not shared with the page cache, in GiB. */
  readonly peakGiB: number;
  readonly privateGiB: number;
}

const GEMM_SIZE = 2048;
const RUNS = 3;

const [checkpointPath, network, memory, sizes, cacheDir] = process.argv.slice(2) as [
  string,
  Network,
  string,
  string,
  string,
];
type Network = 'unet' | 'vaeDecoder' | 'textEncoder';

const opened = openCheckpoint(checkpointPath, 'cpu');
const checkpoint =
  memory === 'cached' ? await cachedWeights(opened, cacheDir, new AbortController().signal) : opened;
const gemmBefore = await gemmSpeed();
const start = performance.now();
const session = await createSession(graphOf(checkpoint, network), {
  ...DEFAULT_SESSION,
  castWhileRunning: memory === 'low',
});
const create = (performance.now() - start) / 1000;
const run: Record<number, number> = {};
for (const side of sizes.split(',').map(Number))
  run[side] = await medianRun(session, feedsOf(checkpoint, network, side));
const result: Measurement = { create, run, gemm: [gemmBefore, await gemmSpeed()], ...memoryUse() };
console.log(JSON.stringify(result));

function graphOf({ graphs }: OpenedCheckpoint, name: Network): Graph {
  if (name === 'unet') return graphs.unet();
  return name === 'vaeDecoder' ? graphs.vaeDecoder() : graphs.textEncoder(0);
}

/** One CFG step is a batch of two. */
function feedsOf({ config }: OpenedCheckpoint, name: Network, side: number): Record<string, Tensor> {
  const latent = side / 8;
  const noLora = createLoraStore().choose(config, []).feeds;
  const floats = (...shape: number[]): Tensor =>
    new Tensor('float32', wave(shape.reduce((a, b) => a * b, 1)), shape);
  if (name === 'vaeDecoder') return { latent: floats(1, config.vae.embedDim, latent, latent) };
  if (name === 'textEncoder') {
    const { contextLength, width } = config.textEncoders[0]!;
    const tokenIds = new Tensor(
      'int64',
      BigInt64Array.from({ length: 2 * contextLength }, (_, i) => BigInt(i * 97)),
      [2, contextLength],
    );
    return { tokenIds, extraEmbeddings: floats(1, width), ...noLora.textEncoder(0) };
  }
  return {
    latent: floats(2, config.unet.inChannels, latent, latent),
    timestep: new Tensor('float32', Float32Array.of(500, 500), [2]),
    context: floats(2, 77, config.unet.contextDim),
    ...noLora.unet(),
    ...residualFeeds(config.unet),
  };
}

async function medianRun(target: InferenceSession, feeds: Record<string, Tensor>): Promise<number> {
  await target.run(feeds);
  const seconds: number[] = [];
  for (let i = 0; i < RUNS; i++) {
    const begin = performance.now();
    await target.run(feeds);
    seconds.push((performance.now() - begin) / 1000);
  }
  return seconds.toSorted((a, b) => a - b)[RUNS >> 1]!;
}

/** What this machine's float32 matrix product reaches at this moment: the limit everything is compared with. */
async function gemmSpeed(): Promise<number> {
  const shape = [GEMM_SIZE, GEMM_SIZE];
  const product = await createSession(
    buildGraph({ y: matmul(input('a', 'float32', shape), input('b', 'float32', shape)) }),
  );
  const feeds = {
    a: new Tensor('float32', wave(GEMM_SIZE ** 2), shape),
    b: new Tensor('float32', wave(GEMM_SIZE ** 2), shape),
  };
  const seconds = await medianRun(product, feeds);
  await product.release();
  return (2 * GEMM_SIZE ** 3) / seconds / 1e9;
}

function wave(count: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(0.7 * i));
}

/** Peak from getrusage; pages that only this process can hold (a mapped file gives its clean ones back) from the kernel where it tells them. */
function memoryUse(): Pick<Measurement, 'peakGiB' | 'privateGiB'> {
  const peakGiB = process.resourceUsage().maxRSS / 2 ** 20;
  try {
    const rollup = readFileSync('/proc/self/smaps_rollup', 'utf8');
    const kilobytes = [...rollup.matchAll(/^Private_Dirty:\s+(\d+) kB/gm)].reduce(
      (sum, [, value]) => sum + Number(value),
      0,
    );
    return { peakGiB, privateGiB: kilobytes / 2 ** 20 };
  } catch {
    return { peakGiB, privateGiB: Number.NaN };
  }
}
