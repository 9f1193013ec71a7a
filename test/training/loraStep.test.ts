/** The LoRA training step against golden/lora-train: with and without recomputation, and with the text encoder. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createParameters } from '../../main/training/parameters.ts';
import { openTrainingSession } from '../../main/training/session.ts';
import { checkpointConfig } from '../../native-models/inspect/config.ts';
import { type FrozenTextEncoder, type LoraOptions, loraStep } from '../../native-models/training/loraStep.ts';
import { canonicalTensors } from '../../native-models/weights/keys.ts';
import { fileParameters } from '../../native-models/weights/source.ts';
import { readNumbers } from '../conformance/caseFolder.ts';
import { loraTrain } from '../conformance/loraTrain.ts';
import { expectClose } from '../helpers/close.ts';
import { GOLDEN_DIR, goldenTensors } from '../helpers/golden.ts';
import { seeded } from '../helpers/numericGradient.ts';

const checkpoint = goldenTensors('_shared', 'sd1-tiny.safetensors');
const { unet: config, textEncoders, predictionType } = checkpointConfig(checkpoint);
const source = fileParameters(checkpoint.path, canonicalTensors(checkpoint, 'unet'));
const io = goldenTensors('lora-train', 'io.safetensors');
const SHAPE = { batch: 2, height: 16, width: 16, tokens: 77 };
const OPTIONS: LoraOptions = { rank: 4, alpha: 2, targets: ['cross-attention'], recompute: 'nothing' };

function floats(name: string): { data: Float32Array; shape: readonly number[] } {
  return { data: Float32Array.from(readNumbers(io, name)), shape: io.tensors.get(name)!.shape };
}
const perItem = (value: number) => ({ data: Float32Array.of(value, value), shape: [2] });
const BATCH = {
  latent: floats('step0.x0'),
  noise: floats('step0.noise'),
  timestep: perItem(400),
  signal: perItem(0.6),
  spread: perItem(0.8),
  itemWeights: perItem(1),
};

async function gradientsOf(options: LoraOptions, batch: Parameters<typeof run>[1]) {
  return run(loraStep({ source, config, predictionType }, SHAPE, options), batch);
}

async function run(
  { graph, shapes }: ReturnType<typeof loraStep>,
  batch: Record<string, { data: Float32Array | BigInt64Array; shape: readonly number[] }>,
) {
  const parameters = createParameters(shapes);
  parameters.flat.set(seeded(parameters.flat.length, 5, -0.1, 0.1));
  const session = await openTrainingSession({ graph, parameters, threads: 1 });
  const { losses, gradientNorm } = await session.step([batch]);
  const gradients = new Map([...session.gradients].map(([name, values]) => [name, values.slice()]));
  await session.close();
  return { loss: losses['loss']!, gradientNorm, gradients };
}

describe('LoRA training step', () => {
  test('golden case: loss, gradients, AdamW with and without clipping, overfit curve', async () => {
    const failed: string[] = [];
    let count = 0;
    for await (const { tensor, pass } of loraTrain(join(GOLDEN_DIR, 'lora-train'))) {
      count++;
      if (!pass) failed.push(tensor);
    }
    expect(failed).toEqual([]);
    expect(count).toBeGreaterThan(500);
  });

  test.each(['attention', 'all'] as const)('recomputing %s changes no gradient', async (recompute) => {
    const batch = { ...BATCH, context: floats('step0.context') };
    const plain = await gradientsOf(OPTIONS, batch);
    const again = await gradientsOf({ ...OPTIONS, recompute }, batch);
    expect(again.loss).toBeCloseTo(plain.loss, 6);
    for (const [name, values] of plain.gradients)
      expectClose(again.gradients.get(name)!, values, { atol: 1e-6, rtol: 1e-4 });
  });

  test('the text encoder learns along, up to the layer that is read, under kohya names', async () => {
    const tokenIds = {
      data: BigInt64Array.from({ length: 154 }, (_, i) => BigInt((i * 331) % 40_000)),
      shape: [2, 77],
    };
    const { gradients } = await gradientsOf({ ...OPTIONS, text: textEncoder(2) }, { ...BATCH, tokenIds });
    const texts = [...gradients.keys()].filter((name) => name.startsWith('lora_te_'));
    // 3 of 4 layers × (q, k, v, out, fc1, fc2) × (down, up)
    expect(texts).toHaveLength(36);
    expect(texts).toContain('lora_te_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight');
    for (const name of texts) expect(gradients.get(name)!.some((value) => value !== 0)).toBe(true);
  });

  test('a clip skip beyond the layers is refused', () => {
    expect(() =>
      loraStep({ source, config, predictionType }, SHAPE, { ...OPTIONS, text: textEncoder(9) }),
    ).toThrow(/clip skip 9/);
  });
});

function textEncoder(clipSkip: number): FrozenTextEncoder {
  const tensors = canonicalTensors(checkpoint, 'clipL');
  return { source: fileParameters(checkpoint.path, tensors), config: textEncoders[0]!, clipSkip };
}
