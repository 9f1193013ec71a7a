/** What goes wrong in work that nobody waits for reaches the log and the window, and ends nothing. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createEvents } from '../../main/app/events.ts';
import { createTroubles } from '../../main/app/troubles.ts';
import { StudioError } from '../../preload/errors.ts';
import type { StudioEvent } from '../../preload/studio.ts';
import { startStudio } from '../helpers/studio.ts';
import { tempDatabase } from '../helpers/tempDatabase.ts';
import { tempFolder } from '../helpers/tempFolder.ts';
import { TINY_CHECKPOINT, tinyRequest } from '../helpers/tinyModel.ts';

const TROUBLE = { message: 'Something did not happen.', hint: 'Try again.' };

function setUp() {
  const db = tempDatabase();
  const logged: unknown[][] = [];
  const events: StudioEvent[] = [];
  const log = (...all: unknown[]) => void logged.push(all);
  const troubles = createTroubles({ db, emit: (event) => events.push(event), log, now: () => 1 });
  return { db, logged, events, ...troubles };
}

test('a trouble is logged each time and noticed once, with the next step of whoever knows one', () => {
  const { report, logged, events } = setUp();
  report(TROUBLE, new Error('why'));
  report(TROUBLE, new Error('why again'));
  const full = { message: 'Nor did this.', hint: 'Try again.' };
  report(full, new StudioError('disk-full', 'There is no space left.', 'Free some.'));
  expect(logged).toHaveLength(3);
  expect(events.map((event) => event.type === 'notice' && event.notice.error)).toMatchObject([
    { ...TROUBLE, code: 'internal', details: expect.stringContaining('why') },
    { code: 'disk-full', message: 'Nor did this.', hint: 'There is no space left. Free some.' },
  ]);
});

test('what was stopped on purpose is no trouble, and nothing is one while the studio closes', () => {
  const { report, close, logged, events } = setUp();
  report(TROUBLE, new StudioError('cancelled', 'Stopped.', 'Start it again.'));
  close();
  report(TROUBLE, new Error('the engine is gone'));
  expect([logged, events]).toEqual([[], []]);
});

test('a notice that cannot be kept is shown all the same', () => {
  const { db, report, logged, events } = setUp();
  db.run("CREATE TRIGGER full BEFORE INSERT ON notices BEGIN SELECT RAISE(FAIL, 'disk full'); END");
  report(TROUBLE, new Error('why'));
  expect(events).toMatchObject([{ type: 'notice', notice: { id: 0, error: TROUBLE } }]);
  expect(logged).toHaveLength(2);
});

test('a listener that throws keeps no other from hearing', () => {
  const failures: unknown[] = [];
  const heard: string[] = [];
  const { emit, subscribe } = createEvents((error) => failures.push(error));
  subscribe(() => {
    throw new Error('deaf');
  });
  subscribe(({ type }) => heard.push(type));
  emit({ type: 'models-changed' });
  expect([heard, failures]).toEqual([['models-changed'], [new Error('deaf')]]);
});

test('a first scan that fails is told in the log and in the window, and the studio goes on', async () => {
  const root = tempFolder();
  const first = await startStudio({}, root);
  await first.server.close();
  const { openDatabase } = await import('../../main/storage/database.ts');
  const db = openDatabase(first.server.services.folder.database);
  db.run("CREATE TRIGGER broken BEFORE INSERT ON models BEGIN SELECT RAISE(FAIL, 'no more models'); END");
  db.close();
  cpSync(TINY_CHECKPOINT, join(root, 'data/models/checkpoints/another.safetensors'));
  const logged: string[] = [];
  const { client } = await startStudio({ log: (text, error) => void logged.push(`${text} ${error}`) }, root, {
    scan: false,
  });
  const message = 'The model folders could not be scanned.';
  await expect.poll(() => logged).toEqual([expect.stringMatching(`^${message} .*no more models`)]);
  expect((await client.app.info()).notices).toMatchObject([
    { level: 'warning', error: { message, hint: 'Rescan them in the library.' } },
  ]);
});

test('an encoder that is damaged is told of once the studio is idle', { timeout: 120_000 }, async () => {
  const root = tempFolder();
  mkdirSync(join(root, 'starter'));
  writeFileSync(join(root, 'starter/little-world.safetensors'), 'not a model');
  const logged: string[] = [];
  const { client, settled } = await startStudio(
    { log: (text, error) => void logged.push(`${text} ${error}`) },
    root,
  );
  const request = tinyRequest({ checkpoint: { name: 'tiny' }, width: 64, height: 64, steps: 1, batch: 2 });
  expect(await settled((await client.queue.add({ request })).id)).toMatchObject({ state: 'done' });
  const message = 'The search by meaning does not know the newest pictures.';
  await expect.poll(() => logged, { timeout: 60_000 }).toContainEqual(expect.stringContaining(message));
  const { notices } = await client.app.info();
  expect(notices).toMatchObject([
    { error: { message, hint: expect.stringContaining('little-world.safetensors') } },
  ]);
});
