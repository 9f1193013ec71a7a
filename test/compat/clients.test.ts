import { join } from 'node:path';
import { Client } from '@stable-canvas/comfyui-client';
import sharp from 'sharp';
import { StableDiffusionApi } from 'stable-diffusion-api';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { readImageMetadata } from '../../main/images/metadata/read.ts';
import { startStudio } from '../helpers/studio.ts';

const PICTURE = join(import.meta.dirname, '../golden/canny/picture.png');
const SHORT = { prompt: 'a photo of a cat', width: 64, height: 64, steps: 2, cfg_scale: 5, seed: 11 };

test('an A1111 client paints, reads its settings back, and changes a picture under a mask', {
  timeout: 240_000,
}, async () => {
  const { origin, server } = await startStudio();
  const { port } = new URL(origin);
  const api = new StableDiffusionApi({
    host: '127.0.0.1',
    port: Number(port),
    timeout: 200_000,
    defaultSampler: 'Euler',
  });
  expect(await api.getSdModels()).toMatchObject([
    { title: expect.stringContaining('tiny.safetensors'), model_name: 'tiny' },
  ]);
  expect((await api.getSamplers()).map(({ name }: { name: string }) => name)).toEqual(
    expect.arrayContaining(['Euler', 'Euler a', 'DPM++ 2M']),
  );
  await api.setOptions({ sd_model_checkpoint: 'tiny' });
  expect(await api.getOptions()).toMatchObject({ sd_model_checkpoint: expect.stringContaining('tiny') });

  const painted = await api.txt2img({ ...SHORT, batch_size: 2 });
  expect(painted.images).toHaveLength(2);
  const info = JSON.parse(painted.info);
  expect(info).toMatchObject({
    all_seeds: [11, 12],
    sampler_name: 'Euler',
    width: 64,
    steps: 2,
    sd_model_name: 'tiny',
  });
  expect(info.infotexts[0]).toContain('Steps: 2, Sampler: Euler');
  const png = await painted.image.toBuffer();
  expect((await sharp(png).metadata()).width).toBe(64);

  const first = server.services.history.get(1);
  expect(first.request).toMatchObject({ rng: 'nv', emphasis: 'a1111', batchSeeds: 'increment' });
  const file = await fetch(origin + first.url).then((answer) => answer.arrayBuffer());
  const direct = await fetch(`${origin}/sdapi/v1/png-info`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ image: `data:image/png;base64,${Buffer.from(file).toString('base64')}` }),
  }).then((answer) => answer.json() as Promise<{ info: string }>);
  expect(direct.info).toContain('a photo of a cat');

  const white = sharp({ create: { width: 64, height: 64, channels: 3, background: '#000' } })
    .composite([
      { input: { create: { width: 32, height: 64, channels: 3, background: '#fff' } }, left: 0, top: 0 },
    ])
    .png();
  const changed = await api.img2img({
    ...SHORT,
    init_images: [sharp(png)],
    mask_image: white,
    denoising_strength: 1,
    mask_blur: 0,
    inpainting_fill: 1,
    inpaint_full_res: 0,
    sampler_name: 'Euler',
  });
  expect(changed.images).toHaveLength(1);
  const before = await sharp(png).removeAlpha().raw().toBuffer();
  const after = await changed.image.removeAlpha().raw().toBuffer();
  const differs = (left: boolean) => {
    let count = 0;
    for (let i = 0; i < before.length; i++)
      if (before[i] !== after[i] && Math.floor(i / 3) % 64 < 32 === left) count++;
    return count;
  };
  expect(differs(false)).toBe(0);
  expect(differs(true)).toBeGreaterThan(100);
  expect(await api.getProgress(true)).toMatchObject({
    progress: 0,
    state: { sampling_step: 0 },
  });

  const wrong = await fetch(`${origin}/sdapi/v1/txt2img`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...SHORT, sampler_name: 'Nothing' }),
  });
  expect(wrong.status).toBe(404);
  expect(await wrong.json()).toMatchObject({ detail: 'Sampler not found: Nothing' });
});

/** The graph that ComfyUI's own example script sends. */
const graph = (values: Record<string, unknown> = {}) => ({
  '3': {
    class_type: 'KSampler',
    inputs: {
      seed: 5,
      steps: 2,
      cfg: 4,
      sampler_name: 'euler',
      scheduler: 'normal',
      denoise: 1,
      model: ['4', 0],
      positive: ['6', 0],
      negative: ['7', 0],
      latent_image: ['5', 0],
      ...values,
    },
  },
  '4': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'tiny.safetensors' } },
  '5': { class_type: 'EmptyLatentImage', inputs: { width: 64, height: 64, batch_size: 1 } },
  '6': { class_type: 'CLIPTextEncode', inputs: { text: 'a photo of a cat', clip: ['4', 1] } },
  '7': { class_type: 'CLIPTextEncode', inputs: { text: '', clip: ['4', 1] } },
  '8': { class_type: 'VAEDecode', inputs: { samples: ['3', 0], vae: ['4', 2] } },
  '9': { class_type: 'SaveImage', inputs: { filename_prefix: 'test/out', images: ['8', 0] } },
});

test('a ComfyUI client queues a graph, follows it over the socket and fetches the picture', {
  timeout: 240_000,
}, async () => {
  const { origin } = await startStudio();
  const { host } = new URL(origin);
  const client = new Client({
    api_host: host,
    ssl: false,
    clientId: 'tester',
    WebSocket: WebSocket as never,
    fetch: fetch as never,
  });
  client.connect();
  onTestFinished(() => void client.close());
  expect(await client.getSamplers()).toEqual(expect.arrayContaining(['euler', 'dpmpp_2m']));
  expect(await client.getSDModels()).toEqual(['tiny.safetensors']);
  const seen: string[] = [];
  client.on('message', (event: { data: unknown }) => {
    if (typeof event.data === 'string') seen.push(JSON.parse(event.data).type);
  });
  const output = await client.enqueue(graph());
  expect(output.images).toHaveLength(1);
  const [image] = output.images;
  const url = image?.type === 'url' ? String(image.data) : '';
  const bytes = new Uint8Array(url ? await (await fetch(url)).arrayBuffer() : (image?.data as ArrayBuffer));
  const found = await readImageMetadata(bytes);
  expect(found.request).toMatchObject({
    seed: '5',
    steps: 2,
    guidanceScale: 4,
    sampler: 'euler',
    batchSeeds: 'batch',
    rng: 'cpu',
    prompt: 'a photo of a cat',
  });
  expect(seen).toEqual(expect.arrayContaining(['execution_start', 'progress', 'executed', 'executing']));
  const [entry] = Object.values(await client.getHistory()) as unknown as {
    status: { status_str: string };
  }[][];
  expect(JSON.stringify(entry)).toContain('success');
});

test('graphs that load pictures: upload by name, mask from alpha, and refusals that say why', {
  timeout: 240_000,
}, async () => {
  const { origin, server } = await startStudio();
  const form = new FormData();
  const alpha = await sharp(PICTURE).resize(64, 64, { fit: 'fill' }).ensureAlpha(0.2).png().toBuffer();
  form.set('image', new Blob([new Uint8Array(alpha)]), 'in put.png');
  const uploaded = await fetch(`${origin}/upload/image`, { method: 'POST', body: form }).then((answer) =>
    answer.json(),
  );
  expect(uploaded).toEqual({ name: 'in put.png', subfolder: '', type: 'input' });
  const viewed = await fetch(`${origin}/view?filename=in%20put.png&type=input`);
  expect(Buffer.from(await viewed.arrayBuffer()).equals(alpha)).toBe(true);

  const post = (prompt: object) =>
    fetch(`${origin}/api/prompt`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt, client_id: 'x' }),
    });
  const inpaint = {
    ...graph({ latent_image: ['11', 0], denoise: 0.5 }),
    '10': { class_type: 'LoadImage', inputs: { image: 'in put.png' } },
    '11': {
      class_type: 'VAEEncodeForInpaint',
      inputs: { pixels: ['10', 0], vae: ['4', 2], mask: ['10', 1], grow_mask_by: 2 },
    },
  };
  const queued = await post(inpaint);
  expect(queued.status, await queued.clone().text()).toBe(200);
  const { prompt_id } = (await queued.json()) as { prompt_id: string };
  const job = await server.services.jobs.settled(1, server.services.events.subscribe);
  expect(job).toMatchObject({
    state: 'done',
    error: null,
    request: { kind: 'inpaint', width: 64, height: 64, maskGrow: 2, denoisingStrength: 0.5 },
  });
  const history = (await fetch(`${origin}/history/${prompt_id}`).then((answer) => answer.json())) as Record<
    string,
    { outputs: Record<string, { images: { filename: string }[] }> }
  >;
  const filename = history[prompt_id]!.outputs['9']!.images[0]!.filename;
  expect(filename).toMatch(/^out_\d+_\.png$/);
  expect((await fetch(`${origin}/view?filename=${filename}&type=output&subfolder=`)).status).toBe(200);
  expect((await fetch(`${origin}/view?filename=../../etc/passwd&type=output`)).status).toBe(404);
  expect((await fetch(`${origin}/view?filename=../../etc/passwd&type=input`)).status).toBe(404);

  const refusals: [object, RegExp][] = [
    [
      { ...inpaint, '10': { class_type: 'LoadImage', inputs: { image: 'nowhere.png' } } },
      /Invalid image file: nowhere.png/,
    ],
    [
      { ...graph(), '4': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'other.ckpt' } } },
      /other\.ckpt' not in/,
    ],
    [{ '9': graph()['9'] }, /images: node 8 does not exist/],
    [{}, /no outputs/],
  ];
  for (const [prompt, reason] of refusals) {
    const answer = await post(prompt);
    expect(answer.status).toBe(400);
    expect(JSON.stringify(await answer.json())).toMatch(reason);
  }
});
