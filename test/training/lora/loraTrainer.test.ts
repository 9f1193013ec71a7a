/** LoRA training from pictures to a file, on a small checkpoint: names, metadata, pause and resume, refusals. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { type BaseModel, openBaseModel } from '../../../main/training/lora/baseModel.ts';
import { trainLora } from '../../../main/training/lora/loraTrainer.ts';
import { readLossLog } from '../../../main/training/lossLog.ts';
import { detectLora } from '../../../native-models/inspect/detectLora.ts';
import { openSafetensors } from '../../../native-models/weights/safetensors.ts';
import { readTensorFloat32 } from '../../../native-models/weights/tensors.ts';
import { type LoraTrainingRequest, loraTrainingRequestSchema } from '../../../preload/training.ts';
import { expectClose } from '../../helpers/close.ts';
import { smallCheckpoint } from '../../helpers/smallCheckpoint.ts';
import { stripedPicture } from '../../helpers/stripedPicture.ts';
import { tempFolder } from '../../helpers/tempFolder.ts';

const folderOfAll = mkdtempSync(join(tmpdir(), 'emulsion-lora-'));
const checkpoint = await smallCheckpoint(folderOfAll);
afterAll(() => rmSync(folderOfAll, { recursive: true, force: true }));
const baseModel = (): Promise<BaseModel> => openBaseModel(checkpoint, { threads: 1 });

async function requestIn(
  folder: string,
  changes: Partial<LoraTrainingRequest> = {},
): Promise<LoraTrainingRequest> {
  return loraTrainingRequestSchema.parse({
    kind: 'train-lora',
    checkpoint: { name: 'small', path: checkpoint },
    name: 'stripes',
    triggerWord: 'zebra',
    pictures: [
      { path: await stripedPicture(folder, 'one', 140, 130), caption: 'a striped wall, red' },
      { path: await stripedPicture(folder, 'second', 300, 100) },
    ],
    outputDir: join(folder, 'run'),
    rank: 2,
    alpha: 1,
    resolution: 128,
    steps: 6,
    learningRate: 1e-2,
    saveEvery: 2,
    seed: '3',
    ...changes,
  });
}

/** Stops the run as soon as `steps` have been taken. */
async function interruptedAfter(steps: number, request: LoraTrainingRequest): Promise<void> {
  const abort = new AbortController();
  const onProgress = (stage: string, done: number): void => {
    if (stage === 'train' && done === steps) abort.abort();
  };
  await expect(trainLora(request, await baseModel(), { onProgress, signal: abort.signal })).rejects.toThrow(
    /abort/i,
  );
}

describe('LoRA training', () => {
  test('paused and resumed, it ends with the same numbers as in one go; the file is kohya’s', async () => {
    const whole = await requestIn(tempFolder());
    const seen: number[] = [];
    const result = await trainLora(whole, await baseModel(), {
      onProgress: (stage, done) => stage === 'train' && seen.push(done),
    });
    expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
    expect(result).toMatchObject({ path: join(whole.outputDir, 'stripes.safetensors'), steps: 6 });
    const losses = readLossLog(join(whole.outputDir, 'losses.jsonl')).map(({ loss }) => loss);
    expect(losses).toHaveLength(6);
    expect(result.finalLoss).toBeCloseTo(losses.reduce((a, b) => a + b, 0) / 6, 6);

    const parted = await requestIn(tempFolder());
    await interruptedAfter(3, parted);
    expect(existsSync(join(parted.outputDir, 'state.safetensors'))).toBe(true);
    const resumed = await trainLora(parted, await baseModel());
    expectClose(
      readLossLog(join(parted.outputDir, 'losses.jsonl')).map(({ loss }) => loss),
      losses,
      { rtol: 1e-6 },
    );
    expect(existsSync(join(parted.outputDir, 'state.safetensors'))).toBe(false);

    const [file, other] = [openSafetensors(result.path), openSafetensors(resumed.path)];
    for (const [name, info] of file.tensors)
      expectClose(readTensorFloat32(other.tensors.get(name)!), readTensorFloat32(info), {
        rtol: 1e-3,
        atol: 1e-6,
      });
    expect(detectLora(file)).toMatchObject({ base: 'sd15', method: 'lora' });
    expect(file.tensors.size).toBe(7 * 4 * 3); // cross-attentions × (q, k, v, out) × (down, up, alpha)
    const pair = 'lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k';
    expect(file.tensors.get(`${pair}.lora_down.weight`)?.shape).toEqual([2, 48]);
    expect([...readTensorFloat32(file.tensors.get(`${pair}.alpha`)!)]).toEqual([1]);
    expect(file.metadata).toMatchObject({
      ss_network_dim: '2',
      ss_network_alpha: '1',
      ss_base_model_version: 'sd_v1',
      ss_steps: '6',
      'modelspec.architecture': 'stable-diffusion-v1/lora',
      'modelspec.trigger_phrase': 'zebra',
    });
    expect(JSON.parse(file.metadata['ss_tag_frequency']!)).toEqual({
      '1_stripes': { 'a striped wall': 1, red: 1, zebra: 1 },
    });
  });

  test('the text encoder, feed-forward, mirrored pictures, dropped captions and samples', async () => {
    const request = await requestIn(tempFolder(), {
      targets: ['feed-forward', 'text-encoder'],
      steps: 2,
      batch: 2,
      flip: true,
      captionDropout: 0.5,
      noiseOffset: 0.1,
      sampleEvery: 1,
    });
    const samples: number[] = [];
    const { path } = await trainLora(request, await baseModel(), {
      onSample: async (step, lora) => {
        samples.push(openSafetensors(lora).tensors.size > 0 ? step : -1);
      },
    });
    expect(samples).toEqual([1, 2]);
    const names = [...openSafetensors(path).tensors.keys()];
    expect(names.some((name) => name.startsWith('lora_te_text_model_encoder_layers_1_mlp_fc2.'))).toBe(true);
    expect(names.some((name) => name.includes('_ff_net_0_proj.'))).toBe(true);
    expect(names.some((name) => name.includes('_attn2_'))).toBe(false);
  });

  test('steps that take minutes are saved one by one, however rarely that was asked for', async () => {
    const request = await requestIn(tempFolder(), { saveEvery: 100 });
    let time = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => (time += 61_000));
    const die = (_: string, done: number): void => {
      if (done === 3) throw new Error('the power is gone');
    };
    await expect(trainLora(request, await baseModel(), { onProgress: die })).rejects.toThrow(
      'the power is gone',
    );
    clock.mockRestore();
    const seen: number[] = [];
    await trainLora(request, await baseModel(), {
      onProgress: (stage, done) => stage === 'train' && seen.push(done),
    });
    expect(seen).toEqual([3, 4, 5, 6]);
  });

  test('going on with other settings is refused', async () => {
    const folder = tempFolder();
    await interruptedAfter(1, await requestIn(folder));
    await expect(
      trainLora(await requestIn(folder, { rank: 2, learningRate: 1e-3 }), await baseModel()),
    ).rejects.toThrow(/other settings/);
  });

  test('a loss that is not a number ends the run with the reason', async () => {
    const model: BaseModel = {
      ...(await baseModel()),
      encodeImage: async ({ shape }) => {
        const size = [1, 4, shape[2]! / 8, shape[3]! / 8];
        return { data: new Float32Array(size.reduce((a, b) => a * b, 1)).fill(Number.NaN), shape: size };
      },
    };
    await expect(trainLora(await requestIn(tempFolder()), model)).rejects.toThrow(
      /step 1: the loss is not a number/,
    );
  });

  test('a LoRA that changes nothing is no success', async () => {
    const request = await requestIn(tempFolder(), { steps: 1, learningRate: 1e-12 });
    await expect(trainLora(request, await baseModel())).rejects.toThrow(/changes nothing after 1 steps/);
  });
});
