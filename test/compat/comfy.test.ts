/** The routes of ComfyUI that clients.test.ts does not need for painting, and its larger graphs, through the same client. */
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@stable-canvas/comfyui-client';
import sharp from 'sharp';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { GOLDEN_DIR } from '../helpers/golden.ts';
import { startStudio } from '../helpers/studio.ts';

/** A studio with a LoRA, a ControlNet and an upscaler, and a connected client. */
async function setUp() {
  const studio = await startStudio();
  const models = join(studio.root, 'data/models');
  for (const [folder, file] of [
    ['loras', 'lora/lora_kohya_a.safetensors'],
    ['controlnet', 'controlnet/controlnet.safetensors'],
    ['upscalers', 'esrgan/rrdb_x2.safetensors'],
  ] as const) {
    mkdirSync(join(models, folder));
    cpSync(join(GOLDEN_DIR, file), join(models, folder, file.split('/')[1]!));
  }
  await studio.client.models.rescan({});
  const comfy = new Client({
    ...{ api_host: new URL(studio.origin).host, ssl: false, clientId: 'tester' },
    ...{ WebSocket: WebSocket as never, fetch: fetch as never },
  });
  comfy.connect();
  onTestFinished(() => void comfy.close());
  return { ...studio, comfy };
}

/** Text to image with a LoRA, under a ControlNet, the picture doubled by an upscaler. */
const graph = (steps: number) => ({
  checkpoint: { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'tiny.safetensors' } },
  lora: {
    class_type: 'LoraLoader',
    inputs: {
      ...{ model: ['checkpoint', 0], clip: ['checkpoint', 1], lora_name: 'lora_kohya_a.safetensors' },
      ...{ strength_model: 0.8, strength_clip: 0.5 },
    },
  },
  positive: { class_type: 'CLIPTextEncode', inputs: { text: 'a photo of a cat', clip: ['lora', 1] } },
  negative: { class_type: 'CLIPTextEncode', inputs: { text: 'blurry', clip: ['lora', 1] } },
  hint: { class_type: 'LoadImage', inputs: { image: 'hint.png' } },
  net: { class_type: 'ControlNetLoader', inputs: { control_net_name: 'controlnet.safetensors' } },
  control: {
    class_type: 'ControlNetApplyAdvanced',
    inputs: {
      ...{
        positive: ['positive', 0],
        negative: ['negative', 0],
        control_net: ['net', 0],
        image: ['hint', 0],
      },
      ...{ strength: 0.7, start_percent: 0, end_percent: 0.9 },
    },
  },
  latent: { class_type: 'EmptyLatentImage', inputs: { width: 64, height: 64, batch_size: 1 } },
  sampler: {
    class_type: 'KSampler',
    inputs: {
      ...{ seed: 5, steps, cfg: 4, sampler_name: 'dpmpp_2m', scheduler: 'karras', denoise: 1 },
      ...{
        model: ['lora', 0],
        positive: ['control', 0],
        negative: ['control', 1],
        latent_image: ['latent', 0],
      },
    },
  },
  decoded: { class_type: 'VAEDecode', inputs: { samples: ['sampler', 0], vae: ['checkpoint', 2] } },
  saved: { class_type: 'SaveImage', inputs: { images: ['decoded', 0], filename_prefix: 'test' } },
});

async function uploadHint(origin: string): Promise<void> {
  const form = new FormData();
  const png = await sharp(readFileSync(join(GOLDEN_DIR, 'controlnet/hint.png')))
    .resize(64, 64)
    .png()
    .toBuffer();
  form.set('image', new Blob([new Uint8Array(png)]), 'hint.png');
  expect((await fetch(`${origin}/upload/image`, { method: 'POST', body: form })).status).toBe(200);
}

test('the client finds models, samplers and nodes, and facts about the machine', async () => {
  const { comfy } = await setUp();
  expect(await comfy.getSDModels()).toEqual(['tiny.safetensors']);
  expect(await comfy.getLoRAs()).toEqual(['lora_kohya_a.safetensors']);
  expect(await comfy.getCNetModels()).toEqual(['controlnet.safetensors']);
  expect(await comfy.getUpscaleModels()).toEqual(['rrdb_x2.safetensors']);
  expect(await comfy.getVAEs()).toEqual([]);
  expect(await comfy.getSchedulers()).toEqual(expect.arrayContaining(['normal', 'karras']));
  expect(await comfy.getEmbeddings()).toEqual([]);
  expect(await comfy.getExtensions()).toEqual([]);
  expect(Object.keys(await comfy.getNodeDefs())).toContain('ControlNetApplyAdvanced');
  expect(await comfy.getSystemStats()).toMatchObject({ system: { os: process.platform } });
  expect(await comfy.getQueue()).toMatchObject({ Running: [], Pending: [] });
});

test('a graph with a LoRA and a ControlNet is painted, told over the socket, kept in the history until deleted', {
  timeout: 240_000,
}, async () => {
  const { comfy, origin, client } = await setUp();
  await uploadHint(origin);
  // A graph says nothing of speed; the options do, for all programs from outside.
  const options = { method: 'POST', headers: { 'content-type': 'application/json' } };
  await fetch(`${origin}/sdapi/v1/options`, { ...options, body: JSON.stringify({ emulsion_speed: 'fast' }) });
  const told: string[] = [];
  let previews = 0;
  comfy.on('message', (event: { data: unknown }) => {
    if (typeof event.data === 'string') told.push((JSON.parse(event.data) as { type: string }).type);
    else previews += 1;
  });
  const { images } = await comfy.enqueue(graph(3));
  expect(images).toHaveLength(1);
  expect(told).toEqual(expect.arrayContaining(['status', 'execution_start', 'progress', 'executed']));
  expect(previews).toBeGreaterThan(0);
  const [job] = (await client.queue.list()).jobs;
  expect(job).toMatchObject({
    state: 'done',
    request: {
      ...{ sampler: 'dpmpp_2m', schedule: 'karras', negativePrompt: 'blurry', speed: 'fast' },
      loras: [{ unetWeight: 0.8, textWeight: 0.5 }],
      controls: [{ weight: 0.7, startFraction: 0, endFraction: 0.9 }],
    },
  });
  const [id] = Object.keys((await fetch(`${origin}/history`).then((answer) => answer.json())) as object);
  expect((await comfy.getPromptStatus(id!)).done).toBe(true);
  await comfy.deleteItem('history', id);
  expect(await fetch(`${origin}/history/${id}`).then((answer) => answer.json())).toEqual({});
});

test('what the window clears is gone from the history, and the rest is still told', {
  timeout: 240_000,
}, async () => {
  const { comfy, origin, client } = await setUp();
  await uploadHint(origin);
  await comfy.enqueue(graph(1));
  const history = async () => {
    const answer = await fetch(`${origin}/history`);
    return [answer.status, Object.keys((await answer.json()) as object).length];
  };
  expect(await history()).toEqual([200, 1]);
  await client.queue.clear({ which: 'finished' });
  expect(await history()).toEqual([200, 0]);
  await comfy.enqueue(graph(1));
  expect(await history()).toEqual([200, 1]);
  await comfy.clearItems('queue');
});

test('running and waiting prompts are listed, interrupted and deleted', { timeout: 240_000 }, async () => {
  const { comfy, origin } = await setUp();
  await uploadHint(origin);
  const queue = async () => {
    const { Running, Pending } = await comfy.getQueue();
    return [Running.length, Pending.length];
  };
  const send = () =>
    fetch(`${origin}/prompt`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: graph(900), client_id: 'other' }),
    }).then((answer) => answer.json() as Promise<{ prompt_id: string }>);
  const [first, second] = [await send(), await send()];
  await expect.poll(queue, { timeout: 60_000 }).toEqual([1, 1]);
  await comfy.deleteItem('queue', second.prompt_id);
  expect(await queue()).toEqual([1, 0]);
  await comfy.interrupt();
  await expect.poll(queue, { timeout: 60_000 }).toEqual([0, 0]);
  const entry = (await fetch(`${origin}/history/${first.prompt_id}`).then((answer) =>
    answer.json(),
  )) as Record<string, { status: object }>;
  expect(entry[first.prompt_id]?.status).toMatchObject({ status_str: 'error', completed: false });
  await comfy.clearItems('history');
  expect(await fetch(`${origin}/history`).then((answer) => answer.json())).toEqual({});
});
