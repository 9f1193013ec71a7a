/**
 * Which layers of a U-Net suffer most from 8-bit integers: `node test/bench/sensitivity.ts [CHECKPOINT]` packs one layer
 * at a time and prints the error it makes in the predicted noise, the worst first, then what keeping the worst exact
 * would save. models/integerLayers.ts holds the rule that follows from it. Default: the starter.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tensor } from 'onnxruntime-node';
import { checkpointOf, type OpenedCheckpoint, openCheckpoint } from '../../main/engine/checkpoint.ts';
import { withoutPacked, withPackedWeights } from '../../main/engine/integers/packedCache.ts';
import { relativeL2 } from '../../main/engine/probing.ts';
import { createSession, DEFAULT_SESSION } from '../../main/engine/sessions.ts';
import { integerLayers } from '../../native-models/models/integerLayers.ts';
import type { CanonicalTensors } from '../../native-models/weights/keys.ts';
import { unetFeeds } from './networks.ts';

const SIDE = 128;
/** Early, middle and late in the walk. */
const TIMESTEPS = [900, 500, 100];
const SHOWN = 20;

const path = process.argv[2] ?? join(import.meta.dirname, '../../starter/little-world.safetensors');
const folder = mkdtempSync(join(tmpdir(), 'emulsion-sensitivity-'));
try {
  await report(openCheckpoint(path, { flavour: 'cpu' }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function report(checkpoint: OpenedCheckpoint): Promise<void> {
  const { unet } = checkpoint.parts;
  const layers = integerLayers('unet', unet);
  const packed = await withPackedWeights('unet', unet, {
    bits: 8,
    cacheDir: folder,
    signal: new AbortController().signal,
  });
  const exact = await predictions(checkpoint, unet);
  const errorOf = async (tensors: CanonicalTensors): Promise<number> => {
    const errors = (await predictions(checkpoint, tensors)).map((noise, i) => relativeL2(noise, exact[i]!));
    return Math.hypot(...errors) / Math.sqrt(errors.length);
  };
  const alone: { layer: string; error: number }[] = [];
  for (const layer of layers) {
    const others = layers.filter((other) => other !== layer).map((other) => `${other}.weight`);
    alone.push({ layer, error: await errorOf(withoutPacked(packed, others)) });
  }
  alone.sort((a, b) => b.error - a.error);
  console.log(`${layers.length} layers; relative error of the noise with one layer at 8 bits:`);
  for (const { layer, error } of alone.slice(0, SHOWN)) console.log(`  ${error.toExponential(1)}  ${layer}`);
  console.log(`  ${alone[alone.length >> 1]!.error.toExponential(1)}  (median)`);
  console.log('all layers at 8 bits but the worst:');
  for (const kept of [0, 1, 2, 4, 8, 16, 32]) {
    const names = alone.slice(0, kept).map(({ layer }) => `${layer}.weight`);
    console.log(
      `  ${String(kept).padStart(3)} exact: ${(await errorOf(withoutPacked(packed, names))).toExponential(1)}`,
    );
  }
}

/** Predicted noise at each timestep. */
async function predictions(checkpoint: OpenedCheckpoint, unet: CanonicalTensors): Promise<Float32Array[]> {
  const { config, target, parts } = checkpoint;
  const { graphs } = checkpointOf(checkpoint.path, config, { ...parts, unet }, target);
  const session = await createSession(graphs.unet(), { ...DEFAULT_SESSION, prepack: true });
  const feeds = unetFeeds(checkpoint)(SIDE);
  const all: Float32Array[] = [];
  for (const step of TIMESTEPS) {
    const outputs = await session.run({
      ...feeds,
      timestep: new Tensor('float32', Float32Array.of(step, step), [2]),
    });
    all.push(outputs['noise']!.data as Float32Array);
  }
  await session.release();
  return all;
}
