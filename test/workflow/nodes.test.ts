import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { encodePixels } from '../../main/images/codec.ts';
import { pixelsOf } from '../../main/images/pixels.ts';
import { GOLDEN_DIR } from '../helpers/golden.ts';
import { tempFolder } from '../helpers/tempFolder.ts';
import { bench, type Files, TINY_FILES } from '../helpers/workflows.ts';

const engine = bench();
afterAll(() => engine.host.release());

const PICTURE = join(GOLDEN_DIR, 'cfg-txt2img-e2e', 'image.png');
const node = (class_type: string, inputs: Readonly<Record<string, unknown>>) => ({ class_type, inputs });

/** A model with two prompts; `images` is what is saved. */
async function picture(nodes: Readonly<Record<string, unknown>>, files: Files = {}) {
  const graph = {
    model: node('CheckpointLoaderSimple', { ckpt_name: 'sd1-tiny.safetensors' }),
    plus: node('CLIPTextEncode', { text: 'a cat', clip: ['model', 1] }),
    minus: node('CLIPTextEncode', { text: 'blurry', clip: ['model', 1] }),
    empty: node('EmptyLatentImage', { width: 64, height: 64, batch_size: 1 }),
    picture: node('LoadImage', { image: 'picture' }),
    ...nodes,
    save: node('SaveImage', { images: ['out', 0] }),
  };
  const { images } = await engine.run(graph, { ...TINY_FILES, input: { picture: PICTURE }, ...files });
  return images[0]!.image;
}

const walk = {
  model: ['model', 0], positive: ['plus', 0], negative: ['minus', 0], steps: 4, cfg: 3, sampler_name: 'euler',
  scheduler: 'karras',
}; // biome-ignore format: one object
const decode = (from: string) => node('VAEDecode', { samples: [from, 0], vae: ['model', 2] });

test('two advanced samplers that share the steps are one sampler', async () => {
  const part = (add_noise: string, latent: string, start_at_step: number, end_at_step: number, left: string) =>
    node('KSamplerAdvanced', {
      ...walk, add_noise, noise_seed: 9, latent_image: [latent, 0], start_at_step, end_at_step,
      return_with_leftover_noise: left,
    }); // biome-ignore format: one node
  const whole = await picture({
    s: node('KSampler', { ...walk, seed: 9, denoise: 1, latent_image: ['empty', 0] }),
    out: decode('s'),
  });
  const shared = await picture({
    first: part('enable', 'empty', 0, 2, 'enable'),
    s: part('disable', 'first', 2, 10_000, 'disable'),
    out: decode('s'),
  });
  expect(shared.data).toEqual(whole.data);
  const finished = await picture({ s: part('enable', 'empty', 0, 2, 'disable'), out: decode('s') });
  const noisy = await picture({ s: part('enable', 'empty', 0, 2, 'enable'), out: decode('s') });
  expect(finished.data).not.toEqual(noisy.data);
  const nothing = await picture({ s: part('enable', 'empty', 4, 10_000, 'disable'), out: decode('s') });
  expect(nothing.data).toEqual((await picture({ out: decode('empty') })).data);
});

test('VAEEncodeForInpaint greys out what it repaints, so that nothing of it shines through', async () => {
  const folder = tempFolder();
  const file = async (name: string, value: (x: number, y: number) => number) => {
    const data = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) =>
      value(Math.floor(i / 3) % 64, Math.floor(i / 192)),
    );
    writeFileSync(join(folder, name), await encodePixels(pixelsOf(data, 64, 64, 3), 'png'));
    return join(folder, name);
  };
  const inside = (x: number, y: number) => x >= 24 && x < 40 && y >= 24 && y < 40;
  const mask = await file('mask.png', (x, y) => (inside(x, y) ? 255 : 0));
  const bright = await file('bright.png', (x, y) => (inside(x, y) ? 255 : x * 3));
  const dark = await file('dark.png', (x, y) => (inside(x, y) ? 0 : x * 3));
  const painted = (source: string, type: string, inputs: Readonly<Record<string, unknown>> = {}) =>
    picture(
      {
        mask: node('LoadImageMask', { image: 'mask', channel: 'red' }),
        latent: node(type, { pixels: ['picture', 0], vae: ['model', 2], mask: ['mask', 0], ...inputs }),
        s: node('KSampler', { ...walk, seed: 9, denoise: 1, latent_image: ['latent', 0] }),
        out: decode('s'),
      },
      { input: { picture: source, mask } },
    );
  const grown = await painted(bright, 'VAEEncodeForInpaint', { grow_mask_by: 16 });
  expect(grown.data).toEqual((await painted(dark, 'VAEEncodeForInpaint', { grow_mask_by: 16 })).data);
  expect(grown.data).not.toEqual((await painted(bright, 'VAEEncodeForInpaint', { grow_mask_by: 0 })).data);
  expect((await painted(bright, 'VAEEncode')).data).not.toEqual((await painted(dark, 'VAEEncode')).data);
});

test('sizes: 0 keeps the proportions, the middle is cut for "center"', async () => {
  const scaled = (inputs: Readonly<Record<string, unknown>>) =>
    picture({ out: node('ImageScale', { image: ['picture', 0], crop: 'disabled', ...inputs }) });
  const size = ({ width, height }: { width: number; height: number }) => [width, height];
  expect(size(await scaled({ upscale_method: 'lanczos', width: 96, height: 0 }))).toEqual([96, 64]);
  expect(size(await scaled({ upscale_method: 'area', width: 0, height: 32 }))).toEqual([48, 32]);
  for (const upscale_method of ['nearest-exact', 'bilinear', 'bicubic', 'lanczos'])
    expect(size(await scaled({ upscale_method, width: 40, height: 40, crop: 'center' }))).toEqual([40, 40]);
  const latent = await picture({
    large: node('LatentUpscale', {
      samples: ['empty', 0],
      upscale_method: 'bislerp',
      width: 96,
      height: 128,
      crop: 'center',
    }),
    out: decode('large'),
  });
  expect(size(latent)).toEqual([96, 128]);
});

test('an upscaler, and a control on one prompt that acts on both', async () => {
  const esrgan = join(GOLDEN_DIR, 'esrgan', 'srvgg.safetensors');
  const enlarged = await picture(
    {
      small: node('ImageScale', {
        image: ['picture', 0],
        upscale_method: 'area',
        width: 48,
        height: 32,
        crop: 'disabled',
      }),
      net: node('UpscaleModelLoader', { model_name: 'x' }),
      out: node('ImageUpscaleWithModel', { upscale_model: ['net', 0], image: ['small', 0] }),
    },
    { upscale_models: { x: esrgan } },
  );
  expect(enlarged.width % 48).toBe(0);
  expect(enlarged.width).toBeGreaterThan(48);

  const files = { controlnet: { net: join(GOLDEN_DIR, 'controlnet', 'controlnet.safetensors') } };
  const common = { control_net: ['net', 0], image: ['picture', 0], strength: 0.8 };
  const loader = { net: node('ControlNetLoader', { control_net_name: 'net' }) };
  const sampled = (positive: unknown, negative: unknown) => ({
    s: node('KSampler', { ...walk, positive, negative, seed: 9, denoise: 1, latent_image: ['empty', 0] }),
    out: decode('s'),
  });
  const advanced = node('ControlNetApplyAdvanced', {
    ...common, positive: ['plus', 0], negative: ['minus', 0], start_percent: 0, end_percent: 1,
  }); // biome-ignore format: one node
  const simple = node('ControlNetApply', { ...common, conditioning: ['plus', 0] });
  const both = await picture({ ...loader, c: advanced, ...sampled(['c', 0], ['c', 1]) }, files);
  const older = await picture({ ...loader, c: simple, ...sampled(['c', 0], ['minus', 0]) }, files);
  const one = await picture({ ...loader, c: advanced, ...sampled(['c', 0], ['minus', 0]) }, files);
  expect(older.data).toEqual(both.data);
  expect(one.data).not.toEqual(both.data);
});
