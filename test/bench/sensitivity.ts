/**
 * Which layers of a U-Net suffer most from 8-bit integers: `node test/bench/sensitivity.ts [CHECKPOINT [SIDE]]` records
 * what the exact U-Net sees on real walks, then packs one layer at a time and prints the error it makes in the predicted
 * noise, the worst first, and how much of all error the layers so far make. models/integerLayers.ts holds the rule that
 * follows from it. Default: the starter at 128².
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLoraStore } from '../../main/engine/conditions/loras.ts';
import { createNetworks, type Networks } from '../../main/engine/networks/networks.ts';
import { relativeL2 } from '../../main/engine/runtime/probing.ts';
import { DEFAULT_SESSION } from '../../main/engine/runtime/sessions.ts';
import { checkpointOf, type OpenedCheckpoint, openCheckpoint } from '../../main/engine/weights/checkpoint.ts';
import { withoutPacked, withPackedWeights } from '../../main/engine/weights/packedCache.ts';
import { generateLatent } from '../../main/pipeline/generate.ts';
import type { NoisePredictionInput } from '../../main/pipeline/model.ts';
import { integerLayers } from '../../native-models/models/integerLayers.ts';
import type { CanonicalTensors } from '../../native-models/weights/keys.ts';
import { PROMPTS, starterRequest } from '../helpers/shortcutRuns.ts';

/** Looked at of every walk of 20: while the composition is decided, later, and near the end. */
const STEPS = [0, 3, 9, 15];
const WALKS = 3;
const SHOWN = 30;

/** An evaluation of the exact U-Net. */
interface Seen {
  readonly input: NoisePredictionInput;
  readonly noise: Float32Array;
  /** Index into STEPS. */
  readonly moment: number;
}

const path = process.argv[2] ?? join(import.meta.dirname, '../../starter/little-world.safetensors');
const side = Number(process.argv[3] ?? 128);
const folder = mkdtempSync(join(tmpdir(), 'emulsion-sensitivity-'));
try {
  await report(openCheckpoint(path, { flavour: 'cpu' }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function report(checkpoint: OpenedCheckpoint): Promise<void> {
  const { unet } = checkpoint.parts;
  const layers = integerLayers('unet', unet);
  const { signal } = new AbortController();
  const packed = await withPackedWeights('unet', unet, { packing: 8, cacheDir: folder, signal });
  const seen = await walks(checkpoint);
  const errorsOf = (tensors: CanonicalTensors): Promise<number[]> => errors(checkpoint, tensors, seen);
  const line = (values: readonly number[]): string =>
    values.map((value) => value.toExponential(1)).join('  ');
  console.log(`${layers.length} layers; relative error of the noise at steps ${STEPS} of 20:`);
  console.log(`  ${line(await errorsOf(packed))}        all layers at 8 bits`);
  const alone: { layer: string; errors: number[] }[] = [];
  for (const layer of layers) {
    const others = layers.filter((other) => other !== layer).map((other) => `${other}.weight`);
    alone.push({ layer, errors: await errorsOf(withoutPacked(packed, others)) });
  }
  alone.sort((a, b) => b.errors[0]! - a.errors[0]!);
  const squares = alone.map(({ errors: [first] }) => first! ** 2);
  const all = squares.reduce((a, b) => a + b, 0);
  let soFar = 0;
  for (const [index, { layer, errors: own }] of alone.slice(0, SHOWN).entries()) {
    soFar += squares[index]!;
    console.log(`  ${line(own)}  ${((100 * soFar) / all).toFixed(0).padStart(3)} %  ${layer}`);
  }
}

function networksOf(checkpoint: OpenedCheckpoint, unet: CanonicalTensors, prepack: boolean): Networks {
  const { config, target, parts } = checkpoint;
  const { graphs } = checkpointOf(checkpoint.path, config, { ...parts, unet }, target);
  const options = {
    session: { ...DEFAULT_SESSION, prepack },
    oneAtATime: false,
    vaeTile: () => Number.MAX_SAFE_INTEGER,
  };
  return createNetworks(graphs, options, createLoraStore().choose(config, []).feeds);
}

/** Walks the exact U-Net and keeps what it saw and said at STEPS. */
async function walks(checkpoint: OpenedCheckpoint): Promise<Seen[]> {
  const networks = networksOf(checkpoint, checkpoint.parts.unet, false);
  const seen: Seen[] = [];
  for (const prompt of PROMPTS.slice(0, WALKS)) {
    let step = 0;
    const predictNoise: Networks['predictNoise'] = async (input) => {
      const prediction = await networks.predictNoise(input);
      const moment = STEPS.indexOf(step++);
      if (moment >= 0) seen.push({ input, noise: prediction.data, moment });
      return prediction;
    };
    await generateLatent(
      { ...networks, predictNoise },
      starterRequest(prompt, { width: side, height: side }),
      {},
    );
  }
  await networks.release();
  return seen;
}

/** Root mean square over the walks, for each of STEPS. */
async function errors(
  checkpoint: OpenedCheckpoint,
  unet: CanonicalTensors,
  seen: readonly Seen[],
): Promise<number[]> {
  const networks = networksOf(checkpoint, unet, true);
  const squares = STEPS.map(() => 0);
  for (const { input, noise, moment } of seen) {
    const prediction = await networks.predictNoise(input);
    squares[moment]! += relativeL2(prediction.data, noise) ** 2 / WALKS;
  }
  await networks.release();
  return squares.map(Math.sqrt);
}
