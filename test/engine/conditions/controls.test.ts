import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, expect, test, vi } from 'vitest';
import { createControlStore } from '../../../main/engine/conditions/controls.ts';
import { createLoraStore } from '../../../main/engine/conditions/loras.ts';
import { runJob } from '../../../main/engine/jobs/jobs.ts';
import { createHost } from '../../../main/engine/loading/host.ts';
import { residualFeeds } from '../../../main/engine/networks/residualFeeds.ts';
import { createSession } from '../../../main/engine/runtime/sessions.ts';
import { runOne, toOrt } from '../../../main/engine/runtime/tensors.ts';
import { openCheckpoint } from '../../../main/engine/weights/checkpoint.ts';
import { type Tensor as PlainTensor, zeros } from '../../../main/pipeline/tensor.ts';
import { compileUnet, featureChannels } from '../../../native-models/compile.ts';
import { add, cast } from '../../../native-models/graph/ops.ts';
import { constant, input } from '../../../native-models/graph/value.ts';
import type { UnetConfig } from '../../../native-models/models/configs.ts';
import { recordParameters } from '../../../native-models/models/parameters.ts';
import { t2iAdapter } from '../../../native-models/models/t2iAdapter.ts';
import { featureBlocks } from '../../../native-models/models/unet.ts';
import { canonicalTensors } from '../../../native-models/weights/keys.ts';
import { writeRandomWeights } from '../../../native-models/weights/randomCheckpoint.ts';
import { openSafetensors } from '../../../native-models/weights/safetensors.ts';
import { floatSource, writeSafetensors } from '../../../native-models/weights/safetensorsWriter.ts';
import { fileParameters } from '../../../native-models/weights/source.ts';
import { readTensor, readTensorFloat32 } from '../../../native-models/weights/tensors.ts';
import { expectClose } from '../../helpers/close.ts';
import { PLAIN_SETTINGS } from '../../helpers/engineSettings.ts';
import { GOLDEN_DIR } from '../../helpers/golden.ts';
import { TINY_CHECKPOINT, tinyRequest } from '../../helpers/tinyModel.ts';
import { temporaryFolder } from '../../helpers/weightFiles.ts';

const CONTROL = join(GOLDEN_DIR, 'controlnet', 'controlnet.safetensors');
const HINT = join(GOLDEN_DIR, 'controlnet', 'hint.png');
const host = createHost();
afterAll(() => host.release());

async function paint(...controls: Readonly<Record<string, unknown>>[]): Promise<Uint8Array> {
  const request = tinyRequest({
    steps: 2,
    controls: controls.map((control) => ({
      model: { name: 'control', path: CONTROL },
      image: { path: HINT },
      ...control,
    })),
  });
  const context = {
    settings: PLAIN_SETTINGS,
    onProgress: () => undefined,
    signal: new AbortController().signal,
  };
  const result = await runJob(host, { kind: 'generate', request }, context);
  if (result.kind !== 'images') throw new Error('no pictures');
  return result.images[0]!.data;
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.from(a).equals(Buffer.from(b));

test('a ControlNet acts at its weight and in its interval, and two act at once', async () => {
  const none = await paint();
  const one = await paint({});
  expect(same(one, none)).toBe(false);
  expect(same(await paint({ weight: 0 }), none)).toBe(true);
  expect(same(await paint({ startFraction: 0.9, endFraction: 0.95 }), none)).toBe(true);
  const halves = await paint({ weight: 0.5 }, { weight: 0.5 });
  const differing = halves.filter((value, i) => Math.abs(value - one[i]!) > 1).length;
  expect(differing).toBe(0);
  expect(same(await paint({ priority: 'prompt' }), one)).toBe(false);
}, 300_000);

test('a ControlNet for another base is refused with what differs', async () => {
  const other = paint({ model: { name: 'x', path: join(GOLDEN_DIR, 'lora', 'lora_peft.safetensors') } });
  await expect(other).rejects.toThrow('lora_peft.safetensors: this is a LoRA, which cannot be run here');
});

test('a ControlNet stored as the difference to its base adds the residuals of the whole one', async () => {
  const { config, parts } = openCheckpoint(TINY_CHECKPOINT, { flavour: 'cpu' });
  const file = openSafetensors(CONTROL);
  const path = join(temporaryFolder(), 'difference.safetensors');
  const differences = [...canonicalTensors(file, 'controlnet')].map(([name, info]) => {
    const base = parts.unet.get(name);
    const values = readTensorFloat32(info);
    if (base) for (const [i, value] of readTensorFloat32(base).entries()) values[i]! -= value;
    return floatSource(`control_model.${name}`, info.shape, values);
  });
  await writeSafetensors(path, [...differences, floatSource('difference', [1], Float32Array.of(1))]);
  const base = { unet: config.unet, weights: fileParameters(TINY_CHECKPOINT, parts.unet) };
  const store = createControlStore();
  const [whole, sum] = await store.open([CONTROL, path], base);
  const input = { ...evaluation(config.unet), hint: wave(1, 3, 128, 192) };
  const [expected, actual] = [await whole!.run(input), await sum!.run(input)];
  for (const [i, skip] of expected.skips.entries())
    expectClose(actual.skips[i]!.data, skip.data, { atol: 2e-4 });
  expectClose(actual.middle!.data, expected.middle!.data, { atol: 2e-4 });
  await store.release();
});

test('a hint is read once for all steps and any number of rows, another hint anew', async () => {
  const { config, parts } = openCheckpoint(TINY_CHECKPOINT, { flavour: 'cpu' });
  const base = { unet: config.unet, weights: fileParameters(TINY_CHECKPOINT, parts.unet) };
  const store = createControlStore();
  const [control] = await store.open([CONTROL], base);
  const create = vi.spyOn(InferenceSession, 'create');
  const two = evaluation(config.unet);
  const one = {
    latent: firstRow(two.latent),
    timestep: two.timestep.slice(1),
    context: firstRow(two.context),
  };
  const hint = wave(1, 3, 128, 192);
  const both = await control!.run({ ...two, hint });
  const again = await control!.run({ ...two, hint });
  const alone = await control!.run({ ...one, hint });
  expect(create).toHaveBeenCalledOnce();
  expect(again.middle).toEqual(both.middle);
  expectClose(alone.middle!.data, firstRow(both.middle!).data, { atol: 1e-5, rtol: 1e-4 });
  const other = await control!.run({ ...two, hint: { ...hint, data: hint.data.map((value) => -value) } });
  expect(create).toHaveBeenCalledTimes(2);
  expect(other.skips[0]).not.toEqual(both.skips[0]);
  create.mockRestore();
  await store.release();
});

/** A feature that is one number per channel does what the same number on the bias of the block's last layer does. */
test("a T2I-Adapter's features join behind the last block of every level, on the way to all that follows", async () => {
  const { config, parts, graphs } = openCheckpoint(TINY_CHECKPOINT, { flavour: 'cpu' });
  const weights = fileParameters(TINY_CHECKPOINT, parts.unet);
  const controlled = await createSession(graphs.unet());
  const told = evaluation(config.unet);
  const feeds = {
    latent: toOrt(told.latent),
    timestep: new Tensor('float32', told.timestep, [2]),
    context: toOrt(told.context),
  };
  const loras = createLoraStore().choose(config, []).feeds.unet();
  const blocks = featureBlocks(config.unet);
  const features = featureChannels(config.unet).map((channels) => wave(1, channels, 1, 1));
  for (const [level, block] of blocks.entries()) {
    const last = [`input_blocks.${block}.1.proj_out.bias`, `input_blocks.${block}.0.out_layers.3.bias`];
    const name = last.find((bias) => parts.unet.has(bias))!;
    const shifted = {
      has: weights.has,
      get: (wanted: string, shape: readonly number[]) =>
        wanted === name
          ? add(cast(weights.get(wanted, shape), 'float32'), constant(features[level]!.data, shape))
          : weights.get(wanted, shape),
    };
    const plain = await createSession(compileUnet(shifted, config.unet, { flavour: 'cpu' }).graph);
    const expected = await runOne(plain, feeds, 'noise');
    const only = features.map((feature, i) => (i === level ? feature : zeros([1, feature.shape[1]!, 1, 1])));
    const control = residualFeeds(config.unet, { skips: [], features: only });
    const actual = await runOne(controlled, { ...feeds, ...loras, ...control }, 'noise');
    const without = await runOne(controlled, { ...feeds, ...loras, ...residualFeeds(config.unet) }, 'noise');
    expect(actual.data).not.toEqual(without.data);
    expectClose(actual.data, expected.data, { atol: 1e-5, rtol: 1e-4 });
    await plain.release();
  }
  await controlled.release();
}, 120_000);

test('a T2I-Adapter controls a picture, at its weight', async () => {
  const path = join(temporaryFolder(), 'adapter.safetensors');
  await writeRandomAdapter(path, [32, 64, 32, 32]);
  const model = { name: 'adapter', path };
  const none = await paint();
  expect(same(await paint({ model }), none)).toBe(false);
  expect(same(await paint({ model, weight: 0 }), none)).toBe(true);
  expect(same(await paint({ model }, {}), await paint({ model }))).toBe(false); // with a ControlNet
  await writeRandomAdapter(path, [32, 64, 64, 32]);
  await expect(paint({ model })).rejects.toThrow(
    "adapter.safetensors: its features have 32, 64, 64, 32 channels, the model's levels 32, 64, 32, 32",
  );
}, 300_000);

test.each([
  ['a union ControlNet', { task_embedding: [8, 320] }],
  [
    'a light T2I-Adapter',
    { 'body.0.in_conv.weight': [80, 64, 1, 1], 'body.0.out_conv.weight': [320, 80, 1, 1] },
  ],
  ['an IP-Adapter', { 'image_proj.proj.weight': [8, 8], 'ip_adapter.1.to_k_ip.weight': [8, 768] }],
  ['a Control-LoRA', { lora_controlnet: [1] }],
  ['a ControlNet-LLLite', { 'lllite_unet_x.down.0.weight': [1] }],
])('%s is named and declined', async (name, shapes: Record<string, number[]>) => {
  const path = join(temporaryFolder(), 'other.safetensors');
  const own = Object.entries(shapes).map(([key, shape]) => floatSource(key, shape, zeros(shape).data));
  const controlNet = name.includes('union')
    ? [...openSafetensors(CONTROL).tensors.values()].map((info) => ({
        ...info,
        read: () => readTensor(info),
      }))
    : [];
  await writeSafetensors(path, [...controlNet, ...own]);
  await expect(paint({ model: { name: 'x', path } })).rejects.toThrow(
    new RegExp(`other\\.safetensors: this is ${name}.*, which cannot be run here`),
  );
});

/** A T2I-Adapter of full kind and random weights, in the original layout. */
async function writeRandomAdapter(path: string, channels: readonly number[]): Promise<void> {
  const float = input('hint', 'float32', ['batch', 3, 'height', 'width']);
  const config = {
    hintChannels: 3,
    unshuffle: 8,
    channels,
    halvingLevels: [1, 2, 3],
    blocksPerLevel: 2,
    kernel: 1,
  };
  const shapes = recordParameters((scope) => t2iAdapter(scope, config, float));
  const stored = [...shapes].filter(([name]) => !name.includes('down_opt'));
  await writeRandomWeights(path, new Map(stored), 5);
}

/** What the network is told: numbers without meaning. */
function evaluation({ inChannels, contextDim }: UnetConfig) {
  return {
    latent: wave(2, inChannels, 16, 24),
    timestep: Float32Array.of(500, 500),
    context: wave(2, 77, contextDim),
  };
}

function firstRow({ data, shape }: PlainTensor): PlainTensor {
  return { data: data.slice(0, data.length / shape[0]!), shape: [1, ...shape.slice(1)] };
}

function wave(...shape: number[]): PlainTensor {
  const count = shape.reduce((a, b) => a * b, 1);
  return { data: Float32Array.from({ length: count }, (_, i) => 0.5 * Math.sin(12.9898 * i)), shape };
}

test('preprocessors are checked by name and options', async () => {
  await expect(paint({ preprocessor: 'onnx:/no/such/depth.onnx' })).rejects.toThrow(
    'depth.onnx: there is no such preprocessor',
  );
  await expect(paint({ preprocessor: 'canny', preprocessorOptions: { low: -1 } })).rejects.toThrow(
    'canny option "low" is -1',
  );
});
