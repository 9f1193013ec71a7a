/** From nothing to the first step, and from one checkpoint to another, in memory mode `cached`. */
import { spawnSync } from 'node:child_process';
import { linkSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { EngineClient } from '../../main/engine/border/client.ts';
import { launchEngine } from '../../main/engine/border/launch.ts';
import { createHost } from '../../main/engine/loading/host.ts';
import { openCheckpoint } from '../../main/engine/weights/checkpoint.ts';
import { cachedWeights, cachePath } from '../../main/engine/weights/fp32Cache.ts';
import { zeros } from '../../main/pipeline/tensor.ts';
import { type GenerationRequest, generationRequestSchema } from '../../preload/request.ts';
import type { BenchContext, BenchRow } from './rows.ts';
import { cpuSecondsInTurns, median, secondsOf } from './timing.ts';

const CHUNK = 2 ** 24;
const ROUNDS = 3;

/** Cold start against reading the weights once; a switch between two checkpoints against staying at one. */
export async function loadingRows({ checkpoint, folder }: BenchContext): Promise<BenchRow[]> {
  const opened = openCheckpoint(checkpoint, { flavour: 'cpu' });
  const { path: cache } = await cachedWeights(opened, folder, new AbortController().signal);
  const other = join(folder, 'other.safetensors');
  linkSync(checkpoint, other);
  linkSync(cache, cachePath(other, folder));

  const reads: number[] = [];
  const starts: number[] = [];
  const step = (await startSeconds(checkpoint, folder)).step; // and compiled code is kept from here on
  let from = 'the disk';
  for (let round = 0; round < ROUNDS; round++) {
    if (!evict(cache)) from = "the system's cache";
    reads.push(await secondsOf(() => readThrough(cache)));
    evict(cache);
    starts.push((await startSeconds(checkpoint, folder)).first - step);
  }
  const [read, cold] = [median(reads), median(starts)];
  const ratio = median(starts.map((start, round) => start / reads[round]!));
  return [
    { what: `the float32 weights read once from ${from}`, value: read, unit: 's' },
    { what: 'cold start to the first step', value: cold, unit: 's' },
    { what: 'cold start, against reading once', value: ratio, unit: '×', goal: { atMost: 1.5 } },
    {
      what: 'switch to a checkpoint used before, CPU time',
      value: await switchSeconds([checkpoint, other], folder),
      unit: 's',
      goal: { atMost: 1 },
    },
  ];
}

/** Forgets what the system holds of a file, so that it comes from the disk; false where there is no GNU dd to ask. */
function evict(path: string): boolean {
  return spawnSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0']).status === 0;
}

/** Seconds from the start of an engine process to the end of its first step, and of a step when everything is loaded. */
async function startSeconds(checkpoint: string, cacheDir: string): Promise<{ first: number; step: number }> {
  const client = new EngineClient(() => launchEngine(), {
    memory: 'cached',
    device: 'cpu',
    cacheDir,
    threads: 0,
    previews: false,
  });
  const start = performance.now();
  const first = ((await firstStepAt(client, request(checkpoint, 1))) - start) / 1000;
  const step = await stepSeconds(client, request(checkpoint, 2));
  await client.dispose();
  return { first, step };
}

/** CPU seconds of an evaluation after a switch, less those of one without. */
async function switchSeconds(checkpoints: readonly [string, string], cacheDir: string): Promise<number> {
  const host = createHost();
  const evaluate = async (path: string): Promise<void> => {
    const { networks } = await host.open(path, {
      settings: { memory: 'cached', device: 'cpu', cacheDir, threads: 0, previews: false },
      pixels: 64 * 64,
      loras: [],
      signal: new AbortController().signal,
    });
    await networks.textModels[0]!.encode({ tokenIds: new Int32Array(77).fill(5), clipSkip: 1 });
    await networks.predictNoise({
      latent: zeros([2, 4, 8, 8]),
      timestep: Float32Array.of(500, 500),
      context: zeros([2, 77, networks.config.unet.contextDim]),
    });
  };
  const [first, other] = checkpoints;
  // In this order: each checkpoint is come to, then stayed at.
  const seconds = await cpuSecondsInTurns({
    toOther: () => evaluate(other),
    atOther: () => evaluate(other),
    toFirst: () => evaluate(first),
    atFirst: () => evaluate(first),
  });
  await host.release();
  return Math.max(0, (seconds.toOther - seconds.atOther + seconds.toFirst - seconds.atFirst) / 2);
}

/** A step as short as the network allows: the smallest picture. */
function request(path: string, seed: number, steps = 1): GenerationRequest {
  return generationRequestSchema.parse({
    kind: 'text-to-image',
    checkpoint: { name: 'bench', path },
    prompt: 'a boat',
    seed: String(seed),
    width: 64,
    height: 64,
    steps,
  });
}

/** When the first step of a job is done, on performance's clock. */
async function firstStepAt(client: EngineClient, job: GenerationRequest): Promise<number> {
  let at = Number.NaN;
  const onProgress = ({ stage, step }: { stage: string; step: number }): void => {
    if (stage === 'denoise' && step === 1 && Number.isNaN(at)) at = performance.now();
  };
  await client.run({ kind: 'generate', request: job }, { onProgress });
  return at;
}

function jobSeconds(client: EngineClient, job: GenerationRequest): Promise<number> {
  return secondsOf(() => client.run({ kind: 'generate', request: job }));
}

/** Seconds of a step when everything is loaded: what two more steps add to a job. */
async function stepSeconds(client: EngineClient, job: GenerationRequest): Promise<number> {
  const one = await jobSeconds(client, job);
  const three = await jobSeconds(client, { ...job, steps: 3 });
  return Math.max(0, (three - one) / 2);
}

async function readThrough(path: string): Promise<void> {
  const file = await open(path);
  const buffer = new Uint8Array(CHUNK);
  try {
    for (let at = 0; at < statSync(path).size; at += CHUNK) await file.read(buffer, 0, CHUNK, at);
  } finally {
    await file.close();
  }
}
