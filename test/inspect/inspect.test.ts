/** A report on real files: golden ones, a checkpoint made for the purpose, and the same with every kind of damage. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkpointConfig } from '../../native-models/inspect/config.ts';
import { inspectWeights } from '../../native-models/inspect/inspect.ts';
import { metadataFacts } from '../../native-models/inspect/metadata.ts';
import { METADATA_KEY } from '../../native-models/inspect/overrides.ts';
import type { CheckpointConfig } from '../../native-models/models/configs.ts';
import { SD15 } from '../../native-models/models/configs.ts';
import { clipTextParameters, unetParameters, vaeParameters } from '../../native-models/models/parameters.ts';
import { openWeights } from '../../native-models/weights/open.ts';
import {
  floatSource,
  type TensorSource,
  writeSafetensors,
} from '../../native-models/weights/safetensorsWriter.ts';
import { GOLDEN_DIR } from '../helpers/golden.ts';
import { tensor, torchArchive } from '../helpers/torchFiles.ts';
import { fileOf, temporaryFolder } from '../helpers/weightFiles.ts';

const expected = { unet: unetParameters, vae: vaeParameters, clipText: clipTextParameters };
const overrides = { textEncoders: [{ heads: 3 }] };
const golden = (...names: string[]): string => join(GOLDEN_DIR, ...names);

const TINY: CheckpointConfig = {
  ...SD15,
  unet: {
    ...SD15.unet,
    modelChannels: 8,
    channelMult: [1, 2],
    numResBlocks: [1, 1],
    inputDepths: [1, 0],
    outputDepths: [0, 0, 1, 1],
    contextDim: 12,
    heads: { channels: 4 },
    normGroups: 4,
  },
  vae: { ...SD15.vae, channels: 8, channelMult: [1, 2], numResBlocks: 1, normGroups: 4, scalingFactor: 1 },
  textEncoders: [{ ...SD15.textEncoders[0]!, width: 12, layers: 1, heads: 2, mlpWidth: 24, vocabSize: 50 }],
};
const STATED = JSON.stringify({
  unet: { headChannels: 4, normGroups: 4 },
  vae: { normGroups: 4, scalingFactor: 1 },
  clip: { heads: 2 },
});

/** The tensors of TINY under LDM's names, SD1's projections as convolutions. */
function tinySources(): TensorSource[] {
  const parts = [
    ['model.diffusion_model.', unetParameters(TINY.unet)],
    ['first_stage_model.', vaeParameters(TINY.vae)],
    ['cond_stage_model.transformer.text_model.', clipTextParameters(TINY.textEncoders[0]!)],
  ] as const;
  return parts.flatMap(([prefix, shapes]) =>
    [...shapes].map(([name, shape]) => {
      const dims = /\.proj_(in|out)\.weight$/.test(name) ? [shape[0]!, shape[1]!, 1, 1] : shape;
      return floatSource(prefix + name, dims, new Float32Array(dims.reduce((a, b) => a * b, 1)), 'F16');
    }),
  );
}

async function tinyCheckpoint(
  change: (sources: TensorSource[]) => TensorSource[] = (sources) => sources,
): Promise<string> {
  const path = join(temporaryFolder(), 'tiny.safetensors');
  await writeSafetensors(path, change(tinySources()), { [METADATA_KEY]: STATED, 'modelspec.title': 'Tiny' });
  return path;
}

describe('sound files', () => {
  it('a golden checkpoint', async () => {
    const report = await inspectWeights(golden('_shared', 'sd1-tiny.safetensors'), {
      expected,
      overrides,
      deep: true,
    });
    expect(report).toMatchObject({
      type: 'checkpoint',
      description: 'a checkpoint for SD 1.5',
      base: 'sd15',
      variant: 'normal',
      predictionType: 'eps',
      problems: [],
    });
    expect(Object.values(report.dtypes).reduce((a, b) => a + b)).toBe(report.tensorCount);
    expect(report.bytes).toBeGreaterThan(7_000_000);
    expect(report.config.textEncoders).toHaveLength(1);
  });

  it('a checkpoint that states its own config', async () => {
    const path = await tinyCheckpoint();
    const report = await inspectWeights(path, { expected, deep: true });
    expect(report.problems).toEqual([]);
    expect(report.metadata).toEqual({ title: 'Tiny' });
    expect(checkpointConfig(openWeights(path))).toEqual(TINY);
  });

  it.each([
    [['controlnet', 'controlnet.safetensors'], 'a ControlNet', 'controlNet'],
    [['esrgan', 'srvgg.safetensors'], 'an upscaler', 'upscaler'],
  ] as const)('%j', async (names, description, part) => {
    const report = await inspectWeights(golden(...names));
    expect(report).toMatchObject({ description, problems: [] });
    expect(report.config).toHaveProperty(part);
  });

  it('counts parameters and bytes', async () => {
    const report = await inspectWeights(golden('esrgan', 'srvgg.safetensors'));
    const convs = 3 * 16 * 9 + 16 + 4 * (16 * 16 * 9 + 16) + 16 * 48 * 9 + 48;
    expect(report).toMatchObject({
      parameters: convs + 5 * 16,
      bytes: 4 * (convs + 5 * 16),
      dtypes: { F32: 17 },
      tensorCount: 17,
    });
  });
});

describe('problems', () => {
  const unetName = 'model.diffusion_model.middle_block.2.out_layers.3.bias';

  it('names missing tensors', async () => {
    const path = await tinyCheckpoint((sources) => sources.filter(({ name }) => name !== unetName));
    const { problems } = await inspectWeights(path, { expected });
    expect(problems).toEqual([
      {
        code: 'missing-tensors',
        message: '1 tensor is missing from the U-Net: "middle_block.2.out_layers.3.bias".',
      },
    ]);
  });

  it('names mis-shaped tensors', async () => {
    const path = await tinyCheckpoint((sources) => [
      ...sources.filter(({ name }) => name !== unetName),
      floatSource(unetName, [3], new Float32Array(3)),
    ]);
    const { problems } = await inspectWeights(path, { expected });
    expect(problems).toMatchObject([
      {
        code: 'misshapen-tensors',
        message: expect.stringMatching(
          /"middle_block\.2\.out_layers\.3\.bias" is \[3\] where \[16\] is needed/,
        ),
      },
    ]);
  });

  it('finds NaN and infinity only when asked to look', async () => {
    const path = await tinyCheckpoint((sources) => [
      ...sources.filter(({ name }) => name !== unetName),
      floatSource(unetName, [16], new Float32Array(16).fill(Number.NaN, 3, 5), 'F16'),
    ]);
    expect((await inspectWeights(path)).problems).toEqual([]);
    const { problems } = await inspectWeights(path, { deep: true });
    expect(problems).toEqual([
      {
        code: 'not-finite',
        message: `1 tensor is not all finite: "${unetName}" holds 2 NaN or infinite values.`,
      },
    ]);
  });

  it('keeps the U-Net when the VAE is gone', async () => {
    const path = await tinyCheckpoint((sources) =>
      sources.filter(({ name }) => !name.startsWith('first_stage_model.')),
    );
    const { config, problems } = await inspectWeights(path);
    expect(config.unet).toEqual(TINY.unet);
    expect(problems).toMatchObject([
      { code: 'config', message: expect.stringMatching(/tiny\.safetensors: this file has no VAE/) },
    ]);
  });

  it('reports metadata that cannot be understood', async () => {
    const path = join(temporaryFolder(), 'odd.safetensors');
    await writeSafetensors(path, tinySources(), { [METADATA_KEY]: '{"unet":{"headChannels":"many"}}' });
    const { type, problems } = await inspectWeights(path);
    expect(type).toBe('unknown');
    expect(problems[0]).toMatchObject({
      code: 'config',
      message: expect.stringMatching(/wrong at config\.unet\.headChannels/),
    });
  });

  it('reports strided tensors of a .pt', async () => {
    const strided = tensor({ key: '0', length: 6, shape: [3, 2], strides: [1, 3] });
    const path = fileOf(
      torchArchive(
        {
          dict: [
            ['emb_params', tensor({ key: '0', length: 6, shape: [2, 3] })],
            ['t', strided],
          ],
        },
        { 0: new Uint8Array(24) },
      ),
      'style.pt',
    );
    expect(await inspectWeights(path)).toMatchObject({
      type: 'embedding',
      problems: [
        {
          code: 'skipped-tensors',
          message: '1 tensor is left out: "t" is a strided view, which cannot be used in place.',
        },
      ],
    });
  });

  it('stops a deep look when asked to', async () => {
    const stop = new AbortController();
    const looking = inspectWeights(golden('_shared', 'sd1-tiny.safetensors'), {
      deep: true,
      signal: stop.signal,
      onProgress: () => stop.abort(),
    });
    await expect(looking).rejects.toThrow(/abort/i);
  });
});

describe('given as checkpoint', () => {
  it.each([
    [
      ['lora', 'lora_kohya_a.safetensors'],
      /lora_kohya_a\.safetensors: this is a LoRA, not a checkpoint\. Choose a checkpoint and add this file to it as a LoRA/,
    ],
    [['controlnet', 'controlnet.safetensors'], /this is a ControlNet, not a checkpoint\. .* as a ControlNet/],
    [['esrgan', 'srvgg.safetensors'], /this is an upscaler, not a checkpoint/],
    [['clip-text', 'sd2_weights.safetensors'], /this is a text encoder, not a checkpoint/],
  ] as const)('%j is declined by name', (names, message) => {
    expect(() => checkpointConfig(openWeights(golden(...names)))).toThrow(message);
  });
});

describe('metadataFacts', () => {
  it('prefers ModelSpec, passes over "None", and cuts long texts', () => {
    const facts = metadataFacts({
      'modelspec.title': 'A',
      ss_output_name: 'b',
      ss_network_dim: '16',
      ss_training_comment: 'None',
      'modelspec.license': 'x'.repeat(5000),
    });
    expect(facts).toEqual({ title: 'A', rank: '16', license: 'x'.repeat(2000) });
    expect(metadataFacts({})).toEqual({});
  });
});
