import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { EngineClient } from '../../../main/engine/border/client.ts';
import { EngineError } from '../../../main/engine/border/failures.ts';
import { launchEngine } from '../../../main/engine/border/launch.ts';
import type { DeviceName, EngineProgress, EngineSettings } from '../../../main/engine/border/protocol.ts';
import { temporaryFolder } from '../../helpers/emulsion.ts';
import { PLAIN_SETTINGS } from '../../helpers/engineSettings.ts';
import { tinyRequest } from '../../helpers/tinyModel.ts';

const SETTINGS: EngineSettings = { ...PLAIN_SETTINGS, previews: true };
const clients: EngineClient[] = [];

function startClient(settings: Partial<EngineSettings> = {}): EngineClient {
  const client = new EngineClient(() => launchEngine(), { ...SETTINGS, ...settings });
  clients.push(client);
  return client;
}

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.dispose()));
});

async function failureOf(run: Promise<unknown>): Promise<EngineError['failure']> {
  const error = await run.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof EngineError)) throw new Error(`expected an EngineError, got ${error}`);
  return error.failure;
}

test('paints, reports every step with a preview, and keeps the model for the next job', async () => {
  const client = startClient();
  const progress: EngineProgress[] = [];
  const result = await client.run(
    { kind: 'generate', request: tinyRequest() },
    { onProgress: (p) => progress.push(p) },
  );
  if (result.kind !== 'images') throw new Error('no pictures');
  expect(result.images).toHaveLength(1);
  expect(result.images[0]).toMatchObject({ width: 192, height: 128, channels: 3 });
  const steps = progress.filter(({ stage, step }) => stage === 'denoise' && step > 0);
  expect(steps.map(({ step, steps: of }) => [step, of])).toEqual([
    [1, 3],
    [2, 3],
    [3, 3],
  ]);
  expect(steps[0]!.preview).toMatchObject({ width: 24, height: 16 });
  expect(steps[0]!.secondsLeft).toBeGreaterThan(0);

  const again = await client.run({ kind: 'generate', request: tinyRequest() });
  if (again.kind !== 'images') throw new Error('no pictures');
  expect(Buffer.from(again.images[0]!.data).equals(Buffer.from(result.images[0]!.data))).toBe(true);
  expect(again.timings['load']!).toBeLessThan(result.timings['load']! + result.timings['encode text']!);
});

test('stops between steps when asked, and the next job runs in the same process', async () => {
  const client = startClient();
  const stop = new AbortController();
  const failure = await failureOf(
    client.run(
      { kind: 'generate', request: tinyRequest({ steps: 500 }) },
      {
        signal: stop.signal,
        onProgress: ({ stage, step }) => stage === 'denoise' && step === 2 && stop.abort(),
      },
    ),
  );
  expect(failure.code).toBe('cancelled');
  expect((await client.run({ kind: 'generate', request: tinyRequest() })).kind).toBe('images');
});

test('a killed engine fails its job as cancelled within two seconds; the next job gets a new process', async () => {
  const client = startClient();
  let killedAt = 0;
  const failure = await failureOf(
    client.run(
      { kind: 'generate', request: tinyRequest({ steps: 500 }) },
      {
        onProgress: ({ stage, step }) => {
          if (stage !== 'denoise' || step !== 2) return;
          killedAt = performance.now();
          client.kill();
        },
      },
    ),
  );
  expect(failure.code).toBe('cancelled');
  expect(performance.now() - killedAt).toBeLessThan(2000);
  expect((await client.run({ kind: 'generate', request: tinyRequest() })).kind).toBe('images');
});

test('an engine that dies by itself is reported with how it died, and replaced', async () => {
  let launches = 0;
  const client = new EngineClient(() => {
    launches++;
    const handle = launchEngine();
    // The first engine is killed from outside, as the system does when memory runs out.
    if (launches === 1) setTimeout(() => handle.kill(), 300);
    return handle;
  }, SETTINGS);
  clients.push(client);
  const failure = await failureOf(client.run({ kind: 'generate', request: tinyRequest({ steps: 1000 }) }));
  expect(failure.code).toBe('out-of-memory');
  expect(failure.message).toContain('SIGKILL');
  expect((await client.run({ kind: 'generate', request: tinyRequest() })).kind).toBe('images');
  expect(launches).toBe(2);
});

test('painting and training never share a process', async () => {
  const client = startClient();
  const pids: (number | undefined)[] = [];
  const painted = async (): Promise<void> => {
    expect((await client.run({ kind: 'generate', request: tinyRequest() })).kind).toBe('images');
    pids.push(client.pid);
  };
  await painted();
  // A request that is none ends at once; the process that says so is the training's.
  const failure = await failureOf(client.run({ kind: 'train-lora', request: {} } as never));
  expect(failure.code).toBe('bad-input');
  pids.push(client.pid);
  await painted();
  await painted();
  expect(new Set(pids).size).toBe(3);
  expect(pids[3]).toBe(pids[2]);
});

test('jobs queue up behind each other', async () => {
  const client = startClient();
  const order: string[] = [];
  await Promise.all(
    ['1', '2', '3'].map(async (seed) => {
      await client.run({ kind: 'generate', request: tinyRequest({ seed, steps: 1 }) });
      order.push(seed);
    }),
  );
  expect(order).toEqual(['1', '2', '3']);
});

test('memory modes give the same picture', async () => {
  using folder = temporaryFolder();
  const pictures: Buffer[] = [];
  for (const memory of ['normal', 'cached', 'low', 'cached'] as const) {
    const client = startClient({ memory, cacheDir: join(folder.path, 'cache') });
    const result = await client.run({ kind: 'generate', request: tinyRequest() });
    if (result.kind !== 'images') throw new Error('no pictures');
    pictures.push(Buffer.from(result.images[0]!.data));
  }
  for (const picture of pictures.slice(1)) expect(picture.equals(pictures[0]!)).toBe(true);
});

test.each([
  ['a request that is none', { kind: 'generate', request: { kind: 'text-to-image' } }, /checkpoint/],
  [
    'a checkpoint that is not there',
    { kind: 'generate', request: tinyRequest({ checkpoint: { name: 'x', path: '/no/such.safetensors' } }) },
    /such\.safetensors/,
  ],
  [
    'an init image that is not there',
    {
      kind: 'generate',
      request: tinyRequest({
        kind: 'image-to-image',
        initImage: { path: '/no/such.png' },
        denoisingStrength: 0.5,
      }),
    },
    /such\.png/,
  ],
])('%s is a one-line bad-input error', async (_name, job, message) => {
  const failure = await failureOf(startClient().run(job as never));
  expect(failure.code).toBe('bad-input');
  expect(failure.message).toMatch(message);
  expect(failure.message).not.toContain('\n');
});

test('an engine that dies on a device repeats the job on the CPU, and its result says so', async () => {
  const touched: DeviceName[] = [];
  const client = new EngineClient(
    () => {
      const engine = launchEngine();
      return {
        ...engine,
        onMessage: (listener) =>
          engine.onMessage((message) => {
            listener(message);
            if (message.type !== 'using') return;
            touched.push(message.device);
            if (message.device === 'webgpu') engine.kill(); // as a driver ends its process
          }),
      };
    },
    { ...SETTINGS, device: 'webgpu' },
  );
  clients.push(client);
  const result = await client.run({ kind: 'generate', request: tinyRequest() });
  if (result.kind !== 'images') throw new Error('no pictures');
  expect(touched.slice(0, 2)).toEqual(['webgpu', 'cpu']);
  expect(result.notes.at(-1)).toMatch(/^webgpu failed, so this was done on the CPU: The engine/);
});
