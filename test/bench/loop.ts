/** What happens between two evaluations of the network: samplers, guidance, extrapolation, previews. */

import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { STARTER_FOLDER } from '../../main/cli/starter.ts';
import { createLoraStore } from '../../main/engine/conditions/loras.ts';
import { createNetworks } from '../../main/engine/networks/networks.ts';
import { previewOf } from '../../main/engine/networks/preview.ts';
import { DEFAULT_SESSION } from '../../main/engine/runtime/sessions.ts';
import { openCheckpoint } from '../../main/engine/weights/checkpoint.ts';
import { generateLatent } from '../../main/pipeline/generate.ts';
import type { NoisePrediction, NoisePredictionInput } from '../../main/pipeline/model.ts';
import { type Tensor, tensor } from '../../main/pipeline/tensor.ts';
import { generationRequestSchema } from '../../preload/request.ts';
import type { Shortcuts } from '../../preload/shortcuts.ts';
import type { BenchRow } from './rows.ts';
import { median, medianSeconds, wave } from './timing.ts';

const CHECKPOINT = join(STARTER_FOLDER, 'little-world.safetensors');
/** Channels of SD 1.5's deep features. */
const DEEP_CHANNELS = 320;

/** The preview of every step, at 512² and 1024². */
export async function previewRows(): Promise<BenchRow[]> {
  const { config } = openCheckpoint(CHECKPOINT, { flavour: 'cpu' });
  const rows: BenchRow[] = [];
  for (const side of [512, 1024]) {
    const latent = waves(1, 4, side / 8, side / 8);
    const seconds = await medianSeconds(() => previewOf(latent, config), 20);
    rows.push({
      what: `preview of a step, ${side}²`,
      value: 1000 * seconds,
      unit: 'ms',
      goal: { atMost: 5 },
    });
  }
  return rows;
}

/**
 * Median seconds between the end of one evaluation and the beginning of the next, previews included, for 20 steps of a
 * picture `side` wide by a network of SD 1.5's sizes that answers at once.
 */
export async function secondsBetweenEvaluations(side: number, shortcuts: Shortcuts): Promise<number> {
  const { config, graphs } = openCheckpoint(CHECKPOINT, { flavour: 'cpu' });
  const options = { session: DEFAULT_SESSION, oneAtATime: false, vaeTile: () => Number.MAX_SAFE_INTEGER };
  const networks = createNetworks(graphs, options, createLoraStore().choose(config, []).feeds);
  const gaps: number[] = [];
  let end: number | undefined;
  const answers = new Map([1, 2].map((rows) => [rows, instantAnswer(rows, side / 8)]));
  const predictNoise = async ({ latent, deep }: NoisePredictionInput): Promise<NoisePrediction> => {
    if (end !== undefined) gaps.push((performance.now() - end) / 1000);
    const { deep: feature, ...answer } = answers.get(latent.shape[0]!)!;
    const told = deep === 'keep' ? { ...answer, deep: feature! } : answer;
    end = performance.now();
    return told;
  };
  const request = generationRequestSchema.parse({
    kind: 'text-to-image',
    checkpoint: { name: 'little-world', path: CHECKPOINT },
    prompt: 'a boat',
    seed: '1',
    width: side,
    height: side,
    shortcuts,
  });
  const onStep = ({ denoised }: { denoised: Tensor }): void => void previewOf(denoised, config);
  await generateLatent({ ...networks, predictNoise }, request, {}, { onStep });
  await networks.release();
  return median(gaps);
}

function instantAnswer(rows: number, side: number): NoisePrediction {
  return { ...waves(rows, 4, side, side), deep: { feature: waves(rows, DEEP_CHANNELS, side, side) } };
}

function waves(...shape: number[]): Tensor {
  return tensor(wave(shape.reduce((a, b) => a * b, 1)), shape);
}
