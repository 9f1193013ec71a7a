/**
 * A LoRA step on a full-size SD 1.5 beside the model's own forward pass:
 * `node test/bench/loraTraining.ts CHECKPOINT CACHE_DIR PIXELS MODES [ROUNDS]`, MODES = some of forward, and
 * steps that recompute nothing, attention, all (joined by commas).
 * Prints one line of JSON. Several modes share mapped float32 weights and take turns, so that their ratios hold on a busy
 * machine; one mode alone opens the file as the trainer does, and its peak memory counts.
 */

import { Tensor } from 'onnxruntime-node';
import { createSession } from '../../main/engine/runtime/sessions.ts';
import { openCheckpoint } from '../../main/engine/weights/checkpoint.ts';
import { cachedWeights } from '../../main/engine/weights/fp32Cache.ts';
import { createAdamW } from '../../main/training/optimizer.ts';
import { createParameters } from '../../main/training/parameters.ts';
import { openTrainingSession } from '../../main/training/session.ts';
import { compileUnet } from '../../native-models/compile.ts';
import type { ParameterSource } from '../../native-models/layers/scope.ts';
import { SD15 } from '../../native-models/models/configs.ts';
import { loraStep, type Recompute } from '../../native-models/training/loraStep.ts';
import { fileParameters } from '../../native-models/weights/source.ts';
import { seeded } from '../helpers/numericGradient.ts';

const MODES = ['forward', 'nothing', 'attention', 'all'] as const;
type Mode = (typeof MODES)[number];

export interface LoraTimes {
  readonly pixels: number;
  /** Core seconds of a forward pass of one picture, and of a step on it: the fastest of the rounds after one unmeasured. */
  readonly seconds: Partial<Readonly<Record<Mode, number>>>;
  /** Peak memory of this process. */
  readonly peakGiB: number;
}

const [path, cacheDir, size, modes, rounds = '2'] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string?,
];
const pixels = Number(size);
const side = pixels / 8;
const chosen = MODES.filter((mode) => modes.split(',').includes(mode));
const source = await weights();
const runs = new Map<Mode, () => Promise<void>>();
for (const mode of chosen) runs.set(mode, mode === 'forward' ? await forward() : await step(mode));
const seconds: Partial<Record<Mode, number>> = {};
for (let round = 0; round <= Number(rounds); round++)
  for (const [mode, run] of runs) {
    const used = await coreSeconds(run);
    if (round > 0) seconds[mode] = Math.min(used, seconds[mode] ?? Number.POSITIVE_INFINITY);
  }
const result: LoraTimes = { pixels, seconds, peakGiB: process.resourceUsage().maxRSS / 2 ** 20 };
console.log(JSON.stringify(result));
process.exit(0);

async function weights(): Promise<ParameterSource> {
  const opened = openCheckpoint(path, { flavour: 'cpu' });
  const { parts, path: file } =
    chosen.length > 1 ? await cachedWeights(opened, cacheDir, new AbortController().signal) : opened;
  return fileParameters(file, parts.unet);
}

/** The U-Net as it paints. */
async function forward(): Promise<() => Promise<void>> {
  const session = await createSession(compileUnet(source, SD15.unet, { flavour: 'cpu' }).graph);
  const feeds = {
    latent: new Tensor('float32', seeded(4 * side ** 2, 3), [1, 4, side, side]),
    timestep: new Tensor('float32', Float32Array.of(500), [1]),
    context: new Tensor('float32', seeded(77 * SD15.unet.contextDim, 3), [1, 77, SD15.unet.contextDim]),
  };
  return async () => void (await session.run(feeds));
}

/** Loss, gradients and update of rank 8 beside cross-attention. */
async function step(recompute: Recompute): Promise<() => Promise<void>> {
  const unet = { source, config: SD15.unet, predictionType: SD15.predictionType };
  const shape = { batch: 1, height: side, width: side, tokens: 77 };
  const options = { rank: 8, alpha: 8, targets: ['cross-attention'], recompute } as const;
  const { graph, shapes } = loraStep(unet, shape, options);
  const parameters = createParameters(shapes);
  parameters.flat.set(seeded(parameters.flat.length, 1, -0.01, 0.01));
  const optimizer = createAdamW(shapes);
  const session = await openTrainingSession({ graph, parameters, optimizer, lean: true });
  const random = (...dims: number[]) => ({
    data: seeded(
      dims.reduce((a, b) => a * b, 1),
      3,
    ),
    shape: dims,
  });
  const one = (value: number) => ({ data: Float32Array.of(value), shape: [1] });
  const batch = {
    latent: random(1, 4, side, side),
    noise: random(1, 4, side, side),
    context: random(1, 77, SD15.unet.contextDim),
    timestep: one(500),
    signal: one(0.7),
    spread: one(0.7),
    itemWeights: one(1),
  };
  return async () => {
    const { losses } = await session.step([batch]);
    if (!Number.isFinite(losses['loss'])) throw new Error(`the loss became ${losses['loss']}`);
    await session.update({ learningRate: 1e-4 });
  };
}

async function coreSeconds(run: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}
