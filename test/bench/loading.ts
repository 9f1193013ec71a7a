/** From nothing to the first step, and from one checkpoint to another, in memory mode `cached`. */
import { linkSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { openCheckpoint } from '../../main/engine/checkpoint.ts';
import { EngineClient } from '../../main/engine/client.ts';
import { cachedWeights, cachePath } from '../../main/engine/fp32Cache.ts';
import { launchEngine } from '../../main/engine/launch.ts';
import { type GenerationRequest, generationRequestSchema } from '../../preload/request.ts';
import type { BenchContext, BenchRow } from './rows.ts';
import { median, secondsOf } from './timing.ts';

const CHUNK = 2 ** 24;

/** Cold start against reading the weights once; a switch between two checkpoints against staying at one. */
export async function loadingRows({ checkpoint, folder }: BenchContext): Promise<BenchRow[]> {
  const opened = openCheckpoint(checkpoint, { flavour: 'cpu' });
  const { path: cache } = await cachedWeights(opened, folder, new AbortController().signal);
  const other = join(folder, 'other.safetensors');
  linkSync(checkpoint, other);
  linkSync(cache, cachePath(other, folder));

  const read = await secondsOf(() => readThrough(cache));
  const client = new EngineClient(() => launchEngine(), {
    memory: 'cached',
    device: 'cpu',
    cacheDir: folder,
    threads: 0,
    previews: false,
  });
  const start = performance.now();
  const cold = (await firstStepAt(client, request(checkpoint, 1))) - start;
  const again = await jobSeconds(client, request(checkpoint, 2));
  const step = await stepSeconds(client, request(checkpoint, 3));
  await jobSeconds(client, request(other, 1));
  const switched: number[] = [];
  for (const seed of [4, 5, 6]) {
    switched.push(await jobSeconds(client, request(seed % 2 === 0 ? checkpoint : other, seed)));
  }
  await client.dispose();
  const coldSeconds = cold / 1000 - step;
  return [
    { what: 'the float32 weights read once', value: read, unit: 's' },
    { what: 'cold start to the first step', value: coldSeconds, unit: 's' },
    { what: 'cold start, against reading once', value: coldSeconds / read, unit: '×', goal: { atMost: 1.5 } },
    {
      what: 'switch to a checkpoint used before',
      value: Math.max(0, median(switched) - again),
      unit: 's',
      goal: { atMost: 1 },
    },
  ];
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
