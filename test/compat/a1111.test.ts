/** The routes of A1111 that clients.test.ts does not need for painting, through the same client. */
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { StableDiffusionApi } from 'stable-diffusion-api';
import { expect, test } from 'vitest';
import { keepGains } from '../../main/engine/devices/packingGain.ts';
import { GOLDEN_DIR } from '../helpers/golden.ts';
import { startStudio } from '../helpers/studio.ts';
import { TINY_CHECKPOINT } from '../helpers/tinyModel.ts';

const SHORT = { prompt: 'a photo of a cat', width: 64, height: 64, steps: 2, cfg_scale: 5, seed: 11 };

/** A studio with a LoRA and an upscaler beside the checkpoint, and a client that knows its port. */
async function setUp() {
  const studio = await startStudio();
  const models = join(studio.root, 'data/models');
  for (const folder of ['loras', 'upscalers']) mkdirSync(join(models, folder));
  cpSync(join(GOLDEN_DIR, 'lora/lora_kohya_a.safetensors'), join(models, 'loras/style.safetensors'));
  cpSync(join(GOLDEN_DIR, 'esrgan/rrdb_x2.safetensors'), join(models, 'upscalers/double.safetensors'));
  await studio.client.models.rescan({});
  const api = new StableDiffusionApi({
    ...{ host: '127.0.0.1', port: Number(new URL(studio.origin).port) },
    ...{ timeout: 200_000, defaultSampler: 'Euler' },
  });
  const get = (path: string) => fetch(`${studio.origin}/sdapi/v1/${path}`).then((answer) => answer.json());
  const post = (path: string, body: object = {}) =>
    fetch(`${studio.origin}/sdapi/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  return { ...studio, models, api, get, post };
}

test('lists, options and refresh answer as A1111 does', async () => {
  const { api, get, post, models } = await setUp();
  expect(await get('loras')).toMatchObject([
    { name: 'style', path: join(models, 'loras/style.safetensors') },
  ]);
  expect((await api.getUpscalers()).map(({ name }) => name)).toEqual(['None', 'double']);
  expect(await get('schedulers')).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ name: 'karras', label: 'Karras' }),
      expect.objectContaining({ name: 'automatic', label: 'Automatic' }),
    ]),
  );
  expect(await get('sd-vae')).toEqual([]);
  expect(await get('embeddings')).toEqual({ loaded: {}, skipped: {} });
  expect(await get('latent-upscale-modes')).toEqual([{ name: 'Latent' }]);
  for (const empty of [api.getHypernetworks(), api.getFaceRestorers(), api.getPromptStyles()])
    expect(await empty).toEqual([]);
  expect(await api.getCmdFlags()).toEqual({});
  expect(await get('memory')).toMatchObject({ ram: expect.any(Object) });

  cpSync(TINY_CHECKPOINT, join(models, 'checkpoints/second.safetensors'));
  await api.refreshCheckpoints();
  expect((await api.getSdModels()).map(({ model_name }) => model_name)).toEqual(['second', 'tiny']);
  for (const route of ['refresh-loras', 'refresh-vae']) expect((await post(route)).status).toBe(200);
  await api.setOptions({ sd_model_checkpoint: 'second' });
  expect(await api.getCurrentModel()).toContain('second');
  expect((await post('options', { sd_model_checkpoint: 'nowhere' })).status).toBe(422);
  expect(await api.getCurrentModel()).toContain('second');
});

test('a LoRA tag is applied, the settings come back out of the picture, and an upscaler doubles it', {
  timeout: 240_000,
}, async () => {
  const { api, client, post } = await setUp();
  const painted = await api.txt2img({ ...SHORT, prompt: 'a photo of a cat <lora:style:0.8>' });
  const { jobs } = await client.queue.list();
  expect(jobs[0]!.notes.join()).toMatch(/style\.safetensors: applied 216 of 216/);
  // The client's own pngInfo encodes the picture anew and loses what it asks for.
  const [image] = (painted.response.data as { images: string[] }).images;
  const told = (await (await post('png-info', { image })).json()) as { info: string; items: object };
  expect(told.info).toContain('a photo of a cat <lora:style:0.8>');
  expect(told.info).toContain('Steps: 2, Sampler: Euler');
  expect(Object.keys(told.items)).toEqual(['parameters', 'emulsion', 'prompt']);

  const doubled = await api.extraSingle({ image: painted.image, upscaler_1: 'double', upscaling_resize: 2 });
  const { width, height } = await sharp(await doubled.image.toBuffer()).metadata();
  expect([width, height]).toEqual([128, 128]);
  const untouched = await api.extraSingle({ image: painted.image, upscaler_1: 'None' });
  expect((await sharp(await untouched.image.toBuffer()).metadata()).width).toBe(64);
});

test('the speed of a request, or of the options, is recorded in the picture', {
  timeout: 240_000,
}, async () => {
  const { api, get, post, root } = await setUp();
  const gain = { timeRatio: 0.5, relativeError: 0 };
  // Known already, not measured first, which takes seconds.
  keepGains(join(root, 'data/cache'), 0, { 8: gain, 16: gain, winograd: gain });
  const speedOf = async (body: object = {}) => {
    const { images } = (await (await post('txt2img', { ...SHORT, ...body })).json()) as { images: string[] };
    const { info } = (await (await post('png-info', { image: images[0] })).json()) as { info: string };
    return /Speed: (\w+)/.exec(info)?.[1];
  };
  expect(await speedOf()).toBeUndefined();
  expect((await post('options', { emulsion_speed: 'hasty' })).status).toBe(400);
  await api.setOptions({ emulsion_speed: 'fast' } as object);
  expect(await get('options')).toMatchObject({ emulsion_speed: 'fast' });
  expect(await speedOf()).toBe('fast');
  expect(await speedOf({ override_settings: { emulsion_speed: 'draft' } })).toBe('draft');
});

test('a client whose job is cleared while it waits is answered', { timeout: 240_000 }, async () => {
  const { post, client } = await setUp();
  const [first, second] = [post('txt2img', { ...SHORT, steps: 900 }), post('txt2img', SHORT)];
  const states = async () => (await client.queue.list()).jobs.map(({ state }) => state).toSorted();
  await expect.poll(states, { timeout: 120_000 }).toEqual(['queued', 'running']);
  await client.queue.clear({ which: 'queued' });
  expect(await (await second).json()).toMatchObject({ images: [] });
  await post('interrupt');
  expect((await first).status).toBe(200);
});

test('a body that is no JSON, or no object, is the caller’s mistake', async () => {
  const { origin } = await setUp();
  const refusal = async (body: string) => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${origin}/sdapi/v1/txt2img`, { method: 'POST', headers, body });
    return [answer.status, await answer.json()];
  };
  expect(await refusal('{"steps":')).toMatchObject([
    400,
    { code: 'bad-input', hint: expect.stringMatching(/^Correct/) },
  ]);
  expect(await refusal('[]')).toMatchObject([
    400,
    { code: 'bad-input', message: expect.stringMatching(/^The body: /) },
  ]);
});

test('progress shows step and preview; an interrupted run answers with the pictures finished before', {
  timeout: 240_000,
}, async () => {
  const { api, get, post, client } = await setUp();
  const answer = api.txt2img({ ...SHORT, steps: 900, n_iter: 3 });
  const seen = () => api.getProgress();
  await expect.poll(seen, { timeout: 120_000, interval: 30 }).toMatchObject({
    state: { job_count: 1, sampling_steps: 900 },
    current_image: expect.stringMatching(/^iVBOR/),
  });
  expect(await get('progress?skip_current_image=true')).toMatchObject({ current_image: null });
  expect((await post('interrupt')).status).toBe(200);
  expect((await answer).images).toEqual([]);
  expect(await client.queue.list()).toMatchObject({ jobs: [{ state: 'cancelled' }] });
  expect((await post('interrupt')).status).toBe(200);
});
