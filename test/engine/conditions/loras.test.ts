import { join } from 'node:path';
import { Tensor } from 'onnxruntime-node';
import { afterAll, expect, test } from 'vitest';
import type { EngineSettings } from '../../../main/engine/border/protocol.ts';
import { createLoraStore } from '../../../main/engine/conditions/loras.ts';
import { runJob } from '../../../main/engine/jobs/jobs.ts';
import { createHost } from '../../../main/engine/loading/host.ts';
import { residualFeeds } from '../../../main/engine/networks/residualFeeds.ts';
import { createSession } from '../../../main/engine/runtime/sessions.ts';
import { openCheckpoint } from '../../../main/engine/weights/checkpoint.ts';
import { compileUnet } from '../../../native-models/compile.ts';
import { bindLora } from '../../../native-models/lora/bind.ts';
import { readFactors } from '../../../native-models/lora/factors.ts';
import { loraSites } from '../../../native-models/lora/sites.ts';
import { openSafetensors } from '../../../native-models/weights/safetensors.ts';
import { floatSource, writeSafetensors } from '../../../native-models/weights/safetensorsWriter.ts';
import { fileParameters } from '../../../native-models/weights/source.ts';
import { expectClose } from '../../helpers/close.ts';
import { PLAIN_SETTINGS } from '../../helpers/engineSettings.ts';
import { GOLDEN_DIR } from '../../helpers/golden.ts';
import { TINY_CHECKPOINT, tinyRequest } from '../../helpers/tinyModel.ts';
import { temporaryFolder } from '../../helpers/weightFiles.ts';

const LORA = join(GOLDEN_DIR, 'lora', 'lora_kohya_a.safetensors');
const LOCON = join(GOLDEN_DIR, 'lora', 'lora_kohya_locon_b.safetensors');
const host = createHost();
afterAll(() => host.release());

function settings(): EngineSettings {
  return { ...PLAIN_SETTINGS, cacheDir: temporaryFolder() };
}

interface Use {
  readonly path: string;
  readonly unetWeight?: number;
  readonly textWeight?: number;
}

async function paint(...uses: Use[]) {
  const loras = uses.map(({ path, unetWeight = 1, textWeight = unetWeight }) => ({
    model: { name: 'lora', path },
    unetWeight,
    textWeight,
  }));
  const job = { kind: 'generate', request: tinyRequest({ loras }) } as const;
  const context = { settings: settings(), onProgress: () => undefined, signal: new AbortController().signal };
  const result = await runJob(host, job, context);
  if (result.kind !== 'images') throw new Error('no pictures');
  return { pixels: result.images[0]!.data, notes: result.notes };
}

test('rank 0 and zero residuals are bit-identical to a U-Net without such inputs', async () => {
  const { config, parts, graphs } = openCheckpoint(TINY_CHECKPOINT, { flavour: 'cpu' });
  const source = fileParameters(TINY_CHECKPOINT, parts.unet);
  const plain = await createSession(compileUnet(source, config.unet, { flavour: 'cpu' }).graph);
  const adaptable = await createSession(graphs.unet());
  const wave = (...shape: number[]): Tensor =>
    new Tensor(
      'float32',
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(7 * i)),
      shape,
    );
  const feeds = {
    latent: wave(2, 4, 16, 24),
    timestep: wave(2),
    context: wave(2, 77, config.unet.contextDim),
  };
  const none = createLoraStore().choose(config, []).feeds.unet();
  const expected = (await plain.run(feeds))['noise']!.data as Float32Array;
  const actual = (await adaptable.run({ ...feeds, ...none, ...residualFeeds(config.unet) }))['noise']!
    .data as Float32Array;
  expect(Buffer.from(actual.buffer).equals(Buffer.from(expected.buffer))).toBe(true);
  await plain.release();
  await adaptable.release();
});

test('a LoRA changes the picture and reports what it applied; weight 0 and its absence are the same picture', async () => {
  const none = await paint();
  const used = await paint({ path: LORA, unetWeight: 0.8 });
  expect(used.notes).toEqual(['lora_kohya_a.safetensors: applied 216 of 216 tensors']);
  expect(Buffer.from(used.pixels).equals(Buffer.from(none.pixels))).toBe(false);
  const muted = await paint({ path: LORA, unetWeight: 0 });
  expect(Buffer.from(muted.pixels).equals(Buffer.from(none.pixels))).toBe(true);
  const textOnly = await paint({ path: LORA, unetWeight: 0, textWeight: 1 });
  expect(Buffer.from(textOnly.pixels).equals(Buffer.from(none.pixels))).toBe(false);
});

test('switching LoRAs loads no network; the first that changes convolutions does, once', async () => {
  const loads: string[] = [];
  const open = async (...loras: Use[]): Promise<void> => {
    const choices = loras.map(({ path, unetWeight = 1 }) => ({ path, unetWeight, textWeight: unetWeight }));
    const { networks } = await host.open(TINY_CHECKPOINT, {
      settings: settings(),
      pixels: 192 * 128,
      loras: choices,
      onLoad: (network) => loads.push(network),
      signal: new AbortController().signal,
    });
    const context = { data: new Float32Array(77 * 24), shape: [1, 77, 24] };
    await networks.predictNoise({
      latent: { data: new Float32Array(4 * 16 * 24), shape: [1, 4, 16, 24] },
      timestep: Float32Array.of(500),
      context,
    });
  };
  await host.release();
  await open();
  await open({ path: LORA });
  await open({ path: LORA, unetWeight: -2 });
  expect(loads).toEqual(['unet']);
  await open({ path: LORA }, { path: LOCON });
  await open({ path: LOCON, unetWeight: 0.5 });
  expect(loads).toEqual(['unet', 'unet']);
});

test('a difference merged into the weights paints what the same pair paints live', async () => {
  const { config } = openCheckpoint(TINY_CHECKPOINT, { flavour: 'cpu' });
  const file = openSafetensors(LORA);
  const { live } = bindLora(file, loraSites(config), 'sd15');
  const folder = temporaryFolder();
  const differences = join(folder, 'differences.safetensors');
  const sources = live.map((pair) => {
    const [outFeatures, inFeatures] = pair.site.shape as [number, number];
    const { down, up, rank, scale } = readFactors(pair);
    const delta = new Float32Array(outFeatures * inFeatures);
    for (let o = 0; o < outFeatures; o++)
      for (let i = 0; i < inFeatures; i++)
        for (let r = 0; r < rank; r++)
          delta[o * inFeatures + i]! += scale * down[r * inFeatures + i]! * up[r * outFeatures + o]!;
    return floatSource(pair.down.name.replace('.lora_down.weight', '.diff'), pair.site.shape, delta);
  });
  await writeSafetensors(differences, sources);
  const [asPairs, merged] = [
    await paint({ path: LORA, unetWeight: 0.8 }),
    await paint({ path: differences, unetWeight: 0.8 }),
  ];
  expect(merged.notes).toEqual(['differences.safetensors: applied 216 of 216 tensors']);
  // Rounding may tip a byte.
  expectClose(merged.pixels, asPairs.pixels, { atol: 1 });
});

test('a LoRA without a file is named', async () => {
  const request = tinyRequest({ loras: [{ model: { name: 'gone' }, unetWeight: 1, textWeight: 1 }] });
  const context = { settings: settings(), onProgress: () => undefined, signal: new AbortController().signal };
  await expect(runJob(host, { kind: 'generate', request }, context)).rejects.toThrow(
    'The LoRA "gone" is not in the library.',
  );
});
