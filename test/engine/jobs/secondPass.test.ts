import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Stage } from '../../../main/engine/border/protocol.ts';
import { runJob } from '../../../main/engine/jobs/jobs.ts';
import { secondPassOf } from '../../../main/engine/jobs/secondPass.ts';
import { createHost } from '../../../main/engine/loading/host.ts';
import { openSafetensors } from '../../../native-models/weights/safetensors.ts';
import { floatSource, writeSafetensors } from '../../../native-models/weights/safetensorsWriter.ts';
import { readTensor } from '../../../native-models/weights/tensors.ts';
import { PLAIN_SETTINGS } from '../../helpers/engineSettings.ts';
import { GOLDEN_DIR } from '../../helpers/golden.ts';
import { TINY_CHECKPOINT, tinyRequest } from '../../helpers/tinyModel.ts';
import { temporaryFolder } from '../../helpers/weightFiles.ts';

const UPSCALER = { name: 'srvgg', path: join(GOLDEN_DIR, 'esrgan', 'srvgg.safetensors') };
const PICTURE = join(GOLDEN_DIR, 'cfg-txt2img-e2e', 'image.png');
const host = createHost();
afterAll(() => host.release());

async function paint(overrides: Readonly<Record<string, unknown>>) {
  const stages: Stage[] = [];
  const request = tinyRequest({ width: 128, height: 64, steps: 2, ...overrides });
  const context = {
    settings: PLAIN_SETTINGS,
    onProgress: ({ stage }: { stage: Stage }) => stages.at(-1) !== stage && stages.push(stage),
    signal: new AbortController().signal,
  };
  const result = await runJob(host, { kind: 'generate', request }, context);
  if (result.kind !== 'images') throw new Error('no pictures');
  return { ...result, stages };
}

/** The tiny checkpoint with a first convolution of `channels` inputs, the added ones not zero. */
async function checkpointOfChannels(channels: number): Promise<string> {
  const path = join(temporaryFolder(), `channels${channels}.safetensors`);
  const tensors = [...openSafetensors(TINY_CHECKPOINT).tensors.values()].map((info) =>
    info.name === 'model.diffusion_model.input_blocks.0.0.weight'
      ? floatSource(
          info.name,
          [32, channels, 3, 3],
          Float32Array.from({ length: 32 * channels * 9 }, (_, i) => 0.2 * Math.sin(i * 12.9898)),
        )
      : { ...info, read: () => readTensor(info) },
  );
  await writeSafetensors(path, tensors);
  return path;
}

test('the latent enlarged and painted over: pictures of the larger size', async () => {
  const secondPass = { scale: 1.5, upscaler: 'latent', denoisingStrength: 0.6, steps: 3 };
  const { images, stages } = await paint({ secondPass });
  expect(images.map(({ width, height }) => [width, height])).toEqual([[192, 96]]);
  expect(stages).toEqual([
    'load',
    'encode image',
    'encode text',
    'denoise',
    'encode text',
    'denoise',
    'decode',
  ]);
}, 200_000);

test('pixels through an upscaler, resampled to the wanted size and painted over; a batch stays a batch', async () => {
  const secondPass = { scale: 2, upscaler: UPSCALER, denoisingStrength: 0.5 };
  const { images, stages } = await paint({ secondPass, batch: 2 });
  expect(images.map(({ width, height }) => [width, height])).toEqual([
    [256, 128],
    [256, 128],
  ]);
  expect(stages).toContain('upscale');
  expect(Buffer.from(images[0]!.data).equals(Buffer.from(images[1]!.data))).toBe(false);
}, 200_000);

test('a second pass keeps the step rule of pictures and takes that of diffusers for texts', () => {
  const secondPass = { scale: 2, upscaler: 'latent', denoisingStrength: 0.5 };
  const text = secondPassOf(tinyRequest({ secondPass }), 4)!;
  expect(text.painted).toMatchObject({ kind: 'image-to-image', stepRule: 'diffusers', width: 384, steps: 3 });
  expect(text.pictures.kind).toBe('text-to-image');
  const request = tinyRequest({
    kind: 'image-to-image',
    initImage: { path: PICTURE },
    denoisingStrength: 0.5,
    stepRule: 'a1111',
    secondPass,
  });
  expect(secondPassOf(request, 4)!.painted).toMatchObject({ stepRule: 'a1111' });
  expect(secondPassOf(request, 8)!.pictures).toMatchObject({
    kind: 'image-to-image',
    initImage: { path: PICTURE },
  });
  expect(secondPassOf(tinyRequest(), 4)).toBeUndefined();
});

test('a VAE file takes the place of the checkpoint’s own', async () => {
  const own = await paint({});
  const same = await paint({ vae: { name: 'same', path: TINY_CHECKPOINT } });
  expect(Buffer.from(same.images[0]!.data).equals(Buffer.from(own.images[0]!.data))).toBe(true);
  await expect(paint({ vae: { name: 'no', path: UPSCALER.path } })).rejects.toThrow('this file has no VAE');
}, 200_000);

test('an inpaint model paints without a mask, an editing model needs a picture, others are declined', async () => {
  const inpaint = { name: 'inpaint', path: await checkpointOfChannels(9) };
  expect((await paint({ checkpoint: inpaint })).images).toHaveLength(1);
  const editing = { name: 'editing', path: await checkpointOfChannels(8) };
  await expect(paint({ checkpoint: editing })).rejects.toThrow('edits pictures and has none');
  const edit = {
    checkpoint: editing,
    kind: 'image-to-image',
    initImage: { path: PICTURE },
    denoisingStrength: 1,
  };
  expect((await paint(edit)).images).toHaveLength(1);
  const depth = { name: 'depth', path: await checkpointOfChannels(5) };
  await expect(paint({ checkpoint: depth })).rejects.toThrow('reads 5 channels');
}, 300_000);
