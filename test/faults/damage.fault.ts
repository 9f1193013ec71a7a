import { spawn } from 'node:child_process';
import { cpSync, existsSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { EngineHandle } from '../../main/engine/border/client.ts';
import { launchEngine } from '../../main/engine/border/launch.ts';
import { toStudioError } from '../../preload/errors.ts';
import { startStudio, type TestStudio } from '../helpers/studio.ts';
import { tempFolder } from '../helpers/tempFolder.ts';
import { TINY_CHECKPOINT, tinyRequest } from '../helpers/tinyModel.ts';

const request = (values = {}) =>
  tinyRequest({ checkpoint: { name: 'tiny' }, width: 64, height: 64, steps: 2, ...values });

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

const stepped = ({ events }: TestStudio, jobId: number) =>
  events.some(
    (event) =>
      event.type === 'progress' && event.progress.jobId === jobId && event.progress.stage === 'denoise',
  );

test('a destroyed database is moved aside with a message, and the pictures are read again from their files', async () => {
  const root = tempFolder();
  const first = await startStudio({}, root);
  const job = await first.settled(
    (await first.client.queue.add({ request: request({ prompt: 'a lost boat', batch: 2 }) })).id,
  );
  expect(job.pictures).toHaveLength(2);
  await first.server.close();
  const database = join(root, 'data/emulsion.db');
  writeFileSync(database, readFileSync(database).fill(0x5a, 0, 30_000));
  const second = await startStudio({}, root);
  const { items, total } = await second.client.history.page({ text: 'lost boat' });
  expect(total).toBe(2);
  expect((await second.client.history.get({ id: items[0]!.id })).request).toMatchObject({
    prompt: 'a lost boat',
    batch: 2,
    steps: 2,
  });
  const { notices } = await second.client.app.info();
  expect(notices[0]?.error.message).toContain('2 pictures were read again');
  expect(existsSync(join(root, 'data/damaged/1-emulsion.db'))).toBe(true);
  await second.client.app.dismissNotice({ id: notices[0]!.id });
  expect((await second.client.app.info()).notices).toEqual([]);
});

test('a second program with the same folder is turned away in words, and served once the first is gone', async () => {
  const root = tempFolder();
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'busyStudio.ts'), join(root, 'data'), '1'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = new Promise((resolve) => child.on('exit', resolve));
  await new Promise<void>((resolve) =>
    child.stdout.on('data', (data: Buffer) => data.toString().includes('ready') && resolve()),
  );
  const refused = await startStudio({}, root).then(() => null, toStudioError);
  child.kill('SIGKILL');
  await ended;
  expect(refused).toMatchObject({ code: 'conflict', message: expect.stringContaining('Another Emulsion') });
  const studio = await startStudio({}, root);
  expect(studio.server.services.db.value('PRAGMA integrity_check')).toBe('ok');
});

test('the engine killed once: the job is done all the same; killed twice: it stops, the next one runs', async () => {
  const handles: EngineHandle[] = [];
  const studio = await startStudio({
    launchEngine: () => {
      const handle = launchEngine();
      handles.push(handle);
      return handle;
    },
  });
  const { client, settled } = studio;
  const long = request({ steps: 40 });
  const once = await client.queue.add({ request: long });
  await until(() => stepped(studio, once.id));
  handles.at(-1)!.kill();
  expect(await settled(once.id)).toMatchObject({ state: 'done', error: null });

  const twice = await client.queue.add({ request: long });
  const next = await client.queue.add({ request: request() });
  for (let crash = 0; crash < 2; crash++) {
    const launched = handles.length;
    const seen = studio.events.length;
    await until(() =>
      studio.events
        .slice(seen)
        .some(
          (event) =>
            event.type === 'progress' &&
            event.progress.jobId === twice.id &&
            event.progress.stage === 'denoise',
        ),
    );
    handles.at(-1)!.kill();
    if (crash === 0) await until(() => handles.length > launched);
  }
  expect(await settled(twice.id)).toMatchObject({
    state: 'failed',
    error: { hint: expect.stringContaining('safe') },
  });
  expect(await settled(next.id)).toMatchObject({ state: 'done' });
});

test('cancel stops at a step; the program ended in the middle leaves an interrupted job that can be continued', async () => {
  const root = tempFolder();
  const first = await startStudio({}, root);
  const cancelled = await first.client.queue.add({ request: request({ steps: 200 }) });
  await until(() => stepped(first, cancelled.id));
  await first.client.queue.cancel({ id: cancelled.id });
  expect(await first.settled(cancelled.id)).toMatchObject({ state: 'cancelled', pictures: [] });
  const running = await first.client.queue.add({ request: request({ steps: 200, seed: '9' }) });
  const waiting = await first.client.queue.add({ request: request({ seed: '10' }) });
  await until(() => stepped(first, running.id));
  await first.server.close();

  const second = await startStudio({}, root);
  expect(await second.client.queue.get({ id: running.id })).toMatchObject({
    state: 'interrupted',
    error: { message: expect.stringContaining('ended while') },
  });
  expect(await second.settled(waiting.id)).toMatchObject({ state: 'done' });
  await second.client.queue.continue({ id: running.id });
  await until(() => stepped(second, running.id));
  await second.client.queue.cancel({ id: running.id });
  await second.client.queue.cancel({ id: running.id }).catch(() => undefined);
  expect(await second.settled(running.id)).toMatchObject({ state: 'cancelled' });
});

test('a model file cut short, deleted and replaced while in use: jobs end with a reason or a picture, the studio goes on', async () => {
  const studio = await startStudio();
  const { client, settled, root, server } = studio;
  const model = join(root, 'data/models/checkpoints/tiny.safetensors');
  const whole = readFileSync(model);
  const running = await client.queue.add({ request: request({ steps: 40 }) });
  await until(() => stepped(studio, running.id));
  truncateSync(model, Math.floor(whole.length / 2));
  const ended = await settled(running.id);
  expect(['done', 'failed']).toContain(ended.state);
  expect((await client.queue.plan({ request: request() })).warnings[0]?.message).toContain(
    'was changed since it was scanned',
  );
  await client.models.rescan({});
  const broken = await settled((await client.queue.add({ request: request() })).id);
  expect(broken).toMatchObject({
    state: 'failed',
    error: { code: 'unknown-model', message: expect.stringContaining('damaged') },
  });

  renameSync(model, `${model}.away`);
  const gone = await settled((await client.queue.add({ request: request() })).id);
  expect(gone).toMatchObject({ state: 'failed', error: { code: 'unknown-model' } });
  cpSync(TINY_CHECKPOINT, model);
  await client.models.rescan({});
  expect(await settled((await client.queue.add({ request: request() })).id)).toMatchObject({
    state: 'done',
    error: null,
  });
  expect(server.services.db.value('PRAGMA integrity_check')).toBe('ok');
});
