/** LoRAs that are merged into the weights: made once, wherever the other weights are read from. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EngineError } from '../../../main/engine/border/failures.ts';
import { createLoraStore } from '../../../main/engine/conditions/loras.ts';
import { planModels } from '../../../main/engine/loading/plan.ts';
import { readyWeights } from '../../../main/engine/loading/ready.ts';
import { DEFAULT_SESSION } from '../../../main/engine/runtime/sessions.ts';
import { floatSource, writeSafetensors } from '../../../native-models/weights/safetensorsWriter.ts';
import { readTensorFloat32 } from '../../../native-models/weights/tensors.ts';
import { TINY_CHECKPOINT } from '../../helpers/tinyModel.ts';
import { temporaryFolder } from '../../helpers/weightFiles.ts';

const LAYER = 'input_blocks.1.1.transformer_blocks.0.attn1.to_q';
const KOHYA = 'lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q';

/** What a job computes with that adds 1 to every weight of one layer, through the cache in `cacheDir`. */
async function ready(memory: 'normal' | 'cached', cacheDir: string) {
  const plain = planModels(wanted([]), DEFAULT_SESSION, createLoraStore());
  const own = plain.checkpoint.parts.unet.get(`${LAYER}.weight`)!;
  const path = join(temporaryFolder(), 'difference.safetensors');
  const ones = new Float32Array(own.shape.reduce((a, b) => a * b, 1)).fill(1);
  await writeSafetensors(path, [floatSource(`${KOHYA}.diff`, own.shape, ones)]);
  const plan = planModels(
    wanted([{ path, unetWeight: 1, textWeight: 1 }]),
    DEFAULT_SESSION,
    createLoraStore(),
  );
  const { signal } = new AbortController();
  const load = async (): Promise<Float32Array> => {
    const { checkpoint } = await readyWeights(plan, { memory, cacheDir, signal });
    return readTensorFloat32(checkpoint.parts.unet.get(`${LAYER}.weight`)!);
  };
  return { load, expected: readTensorFloat32(own).map((value) => value + 1) };
}

function wanted(loras: Parameters<typeof planModels>[0]['loras']) {
  return { checkpoint: TINY_CHECKPOINT, loras, pixels: 64 * 64, batch: 1 };
}

const overlaysIn = (folder: string): string[] =>
  readdirSync(folder).filter((name) => name.endsWith('.overlay.safetensors'));

test.each(['normal', 'cached'] as const)(
  'merged weights are made once in memory mode %s, and again when their file is damaged',
  async (memory) => {
    const folder = temporaryFolder();
    const { load, expected } = await ready(memory, folder);
    expect(await load()).toEqual(expected);
    expect(await load()).toEqual(expected);
    const [overlay, ...more] = overlaysIn(folder);
    expect(more).toEqual([]);
    writeFileSync(join(folder, overlay!), 'half a file');
    expect(await load()).toEqual(expected);
    expect(overlaysIn(folder)).toEqual([overlay]);
  },
);

test('a cache folder that takes no file: the LoRA that needs one is refused with the reason', async () => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  const cacheDir = join(file, 'cache');
  const { load } = await ready('normal', cacheDir);
  const error = await load().catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(EngineError);
  expect(error).toMatchObject({
    failure: {
      code: 'bad-input',
      message: `A LoRA of this request is merged into the model's weights, and the folder ${cacheDir} cannot be written (ENOTDIR).`,
    },
  });
});
