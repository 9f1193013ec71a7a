/** Clients that stop reading: what is sent to them does not pile up in the studio. */
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import type { JobProgress } from '../../preload/jobs.ts';
import { startStudio, type TestStudio } from '../helpers/studio.ts';

const MEGABYTE = 2 ** 20;

async function open(address: string): Promise<WebSocket> {
  const socket = new WebSocket(address.replace('http', 'ws'));
  onTestFinished(() => socket.terminate());
  await once(socket, 'open');
  return socket;
}

/** Tells of `count` steps of a job, each with a preview of a megabyte. */
async function tellSteps({ server }: TestStudio, jobId: number, count: number): Promise<void> {
  const dataUrl = `data:image/png;base64,${Buffer.alloc(MEGABYTE).toString('base64')}`;
  for (let step = 1; step <= count; step++) {
    const progress: JobProgress = {
      ...{
        jobId,
        stage: 'denoise',
        step,
        steps: count,
        fraction: 0,
        secondsPerStep: null,
        secondsLeft: null,
      },
      ...{ preview: { dataUrl, width: 1, height: 1 }, loss: null },
    };
    server.services.events.emit({ type: 'progress', progress });
    await nextTurn();
  }
}

test('a ComfyUI client that pauses misses previews, and nothing else', { timeout: 60_000 }, async () => {
  const studio = await startStudio();
  const { origin, client } = studio;
  await client.queue.pause();
  const socket = await open(`${origin}/ws?clientId=slow`);
  const answer = await fetch(`${origin}/prompt`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_id: 'slow',
      prompt: {
        '3': {
          class_type: 'KSampler',
          inputs: {
            ...{ seed: 5, steps: 1, cfg: 4, sampler_name: 'euler', scheduler: 'normal', denoise: 1 },
            ...{ model: ['4', 0], positive: ['6', 0], negative: ['6', 0], latent_image: ['5', 0] },
          },
        },
        '4': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'tiny.safetensors' } },
        '5': { class_type: 'EmptyLatentImage', inputs: { width: 64, height: 64, batch_size: 1 } },
        '6': { class_type: 'CLIPTextEncode', inputs: { text: 'a cat', clip: ['4', 1] } },
        '8': { class_type: 'VAEDecode', inputs: { samples: ['3', 0], vae: ['4', 2] } },
        '9': { class_type: 'PreviewImage', inputs: { images: ['8', 0] } },
      },
    }),
  });
  expect(answer.status).toBe(200);
  const seen = { previews: 0, steps: 0 };
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (isBinary) seen.previews++;
    else if (data.toString().includes('"progress"')) seen.steps++;
  });
  socket.pause();
  await tellSteps(studio, 1, 100);
  socket.resume();
  await expect.poll(() => seen.steps, { timeout: 20_000 }).toBe(100);
  expect(seen.previews).toBeGreaterThan(0);
  expect(seen.previews).toBeLessThan(50);
});

test('a window that reads nothing any more is let go', { timeout: 60_000 }, async () => {
  const studio = await startStudio();
  const socket = await open(`${studio.origin}/rpc?token=${studio.server.token}`);
  socket.send(JSON.stringify({ i: '1', p: { u: '/events', m: 'POST', b: {} } }));
  await once(socket, 'message');
  let closed = false;
  socket.on('close', () => {
    closed = true;
  });
  socket.pause();
  await tellSteps(studio, 1, 300);
  socket.resume();
  await expect.poll(() => closed, { timeout: 20_000 }).toBe(true);
  // The others stay.
  expect((await studio.client.queue.list()).jobs).toEqual([]);
});
