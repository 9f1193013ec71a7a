/** The outer blocks alone: on the deep features of the same step they say what the whole U-Net says. */
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { MemoryMode } from '../../../main/engine/border/protocol.ts';
import type { LoraChoice } from '../../../main/engine/conditions/loras.ts';
import { createHost } from '../../../main/engine/loading/host.ts';
import type { ControlResiduals, NoisePredictionInput } from '../../../main/pipeline/model.ts';
import { type Tensor, tensor } from '../../../main/pipeline/tensor.ts';
import { skipChannels } from '../../../native-models/compile.ts';
import type { UnetConfig } from '../../../native-models/models/configs.ts';
import { GOLDEN_DIR } from '../../helpers/golden.ts';
import { writeTinyFamily } from '../../helpers/tinyFamilies.ts';
import { TINY_CHECKPOINT } from '../../helpers/tinyModel.ts';
import { temporaryFolder } from '../../helpers/weightFiles.ts';

const host = createHost();
afterAll(() => host.release());
const LORA = {
  path: join(GOLDEN_DIR, 'lora', 'lora_kohya_locon_b.safetensors'),
  unetWeight: 1,
  textWeight: 1,
};

function open(
  path: string,
  loras: readonly LoraChoice[] = [],
  memory: MemoryMode = 'normal',
  loads: string[] = [],
) {
  return host.open(path, {
    settings: { memory, device: 'cpu', cacheDir: '', threads: 1, previews: false },
    pixels: 64 * 64,
    loras,
    onLoad: (network) => loads.push(network),
    signal: new AbortController().signal,
  });
}

function waves(...shape: number[]): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(i * 0.7)),
    shape,
  );
}

function evaluation(
  { inChannels, contextDim, admChannels }: UnetConfig,
  timestep: number,
): NoisePredictionInput {
  return {
    latent: waves(2, inChannels, 8, 8),
    timestep: new Float32Array(2).fill(timestep),
    context: waves(2, 77, contextDim),
    ...(admChannels > 0 && { y: waves(2, admChannels) }),
  };
}

/** The residuals of a ControlNet that acts, at the first skip only: that one the outer blocks read. */
function residuals(config: UnetConfig): ControlResiduals {
  const channels = skipChannels(config);
  const zeros = (count: number): Tensor => tensor(new Float32Array(count), [1, count, 1, 1]);
  const skips = channels.map((count, index) => (index === 0 ? waves(2, count, 8, 8) : zeros(count)));
  return { skips, middle: zeros(channels.at(-1)!) };
}

const tiny = async (): Promise<string> => TINY_CHECKPOINT;

test.each([
  ['SD 1', tiny, []],
  ['SD 1 with a LoRA on its convolutions', tiny, [LORA]],
  ['SD 2', () => writeTinyFamily('sd2', temporaryFolder()), []],
  ['SDXL', () => writeTinyFamily('sdxl', temporaryFolder()), []],
])(
  '%s: the same noise, to the bit',
  async (_name, checkpoint, loras) => {
    const path = await checkpoint();
    const { networks, config } = await open(path, loras);
    const input = evaluation(config.unet, 500);
    const { deep, ...whole } = await networks.predictNoise({ ...input, deep: 'keep' });
    const plain = await networks.predictNoise(input);
    expect(plain).toEqual(whole);
    expect(plain.deep).toBeUndefined();
    expect(await networks.predictNoise({ ...input, deep: deep! })).toEqual(whole);
  },
  60_000,
);

test('the residual that a ControlNet left is added again', async () => {
  const { networks, config } = await open(TINY_CHECKPOINT);
  const input = { ...evaluation(config.unet, 500), residuals: residuals(config.unet) };
  const { deep, ...whole } = await networks.predictNoise({ ...input, deep: 'keep' });
  const outer = (residual?: Tensor) =>
    networks.predictNoise({
      ...evaluation(config.unet, 500),
      deep: { feature: deep!.feature, ...(residual && { residual }) },
    });
  expect(await outer(input.residuals.skips[0])).toEqual(whole);
  expect((await outer()).data).not.toEqual(whole.data);
}, 60_000);

test('with little memory both halves of the U-Net stay loaded while they take turns', async () => {
  const loads: string[] = [];
  const { networks, config } = await open(TINY_CHECKPOINT, [], 'low', loads);
  const input = evaluation(config.unet, 500);
  for (let turn = 0; turn < 2; turn++) {
    const { deep } = await networks.predictNoise({ ...input, deep: 'keep' });
    await networks.predictNoise({ ...input, deep: deep! });
  }
  expect(loads).toEqual(['unet', 'outerUnet']);
}, 60_000);
