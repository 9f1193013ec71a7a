/**
 * Seconds per step and peak memory of LoRA training on a full-size SD 1.5 of random weights:
 * `node test/bench/loraTraining.ts PIXELS [BATCH] [recompute|plain] [FOLDER]`. The checkpoint (2 GB) is made once in FOLDER.
 */
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAdamW } from '../../main/training/optimizer.ts';
import { createParameters } from '../../main/training/parameters.ts';
import { openTrainingSession } from '../../main/training/session.ts';
import { SD15 } from '../../native-models/models/configs.ts';
import { loraStep } from '../../native-models/training/loraStep.ts';
import { canonicalTensors } from '../../native-models/weights/keys.ts';
import { writeRandomCheckpoint } from '../../native-models/weights/randomCheckpoint.ts';
import { openSafetensors } from '../../native-models/weights/safetensors.ts';
import { fileParameters } from '../../native-models/weights/source.ts';
import { seeded } from '../helpers/numericGradient.ts';

const [pixels = '256', batch = '1', mode = 'recompute', folder = tmpdir()] = process.argv.slice(2);
const STEPS = 3;

const path = join(folder, 'random-sd15.safetensors');
if (!existsSync(path)) await writeRandomCheckpoint(path, SD15, 1);
const file = openSafetensors(path);
const unet = {
  source: fileParameters(path, canonicalTensors(file, 'unet')),
  config: SD15.unet,
  predictionType: SD15.predictionType,
};
const side = Number(pixels) / 8;
const shape = { batch: Number(batch), height: side, width: side, tokens: 77 };
const options = { rank: 8, alpha: 8, targets: ['cross-attention'] as const, recompute: mode === 'recompute' };

const start = performance.now();
const { graph, shapes, pairs } = loraStep(unet, shape, options);
const built = performance.now();
const parameters = createParameters(shapes);
parameters.flat.set(seeded(parameters.flat.length, 1, -0.01, 0.01));
const session = await openTrainingSession({ graph, parameters, optimizer: createAdamW(shapes), lean: true });
const opened = performance.now();
console.log(
  `${pairs.length} pairs, ${parameters.flat.length} numbers; graph of ${graph.nodes.length} nodes in ${(built - start).toFixed(0)} ms, session in ${(opened - built).toFixed(0)} ms, ${gigabytes()}`,
);

const random = (...dims: number[]) => ({
  data: seeded(
    dims.reduce((a, b) => a * b, 1),
    3,
  ),
  shape: dims,
});
const filled = (value: number) => ({ data: new Float32Array(shape.batch).fill(value), shape: [shape.batch] });
const data = {
  latent: random(shape.batch, 4, side, side),
  noise: random(shape.batch, 4, side, side),
  context: random(shape.batch, 77, SD15.unet.contextDim),
  timestep: filled(500),
  signal: filled(0.7),
  spread: filled(0.7),
  itemWeights: filled(1),
};
for (let step = 0; step < STEPS; step++) {
  const before = performance.now();
  const used = process.cpuUsage();
  const { losses, gradientNorm } = await session.step([data]);
  await session.update({ learningRate: 1e-4 });
  const seconds = (performance.now() - before) / 1000;
  const { user, system } = process.cpuUsage(used);
  console.log(
    `step ${step}: ${seconds.toFixed(2)} s (${((user + system) / 1e6).toFixed(2)} s of CPU), loss ${losses['loss']!.toFixed(4)}, norm ${gradientNorm.toExponential(1)}, ${gigabytes()}`,
  );
}
await session.close();

function gigabytes(): string {
  return `peak ${(process.resourceUsage().maxRSS / 1e6).toFixed(2)} GB`;
}
