import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EngineError } from '../../main/engine/border/failures.ts';
import type { EngineResult } from '../../main/engine/border/protocol.ts';
import { Jobs } from '../../main/jobs/jobs.ts';
import { totalMemory } from '../../main/jobs/memoryWatch.ts';
import { type Engine, Runner } from '../../main/jobs/runner.ts';
import { createTimeline } from '../../main/jobs/timeline.ts';
import { updateSettings } from '../../main/storage/settings.ts';
import type { Job } from '../../preload/jobs.ts';
import { generationRequestSchema } from '../../preload/request.ts';
import type { StudioEvent } from '../../preload/studio.ts';
import { tempDatabase } from '../helpers/tempDatabase.ts';
import { tempFolder } from '../helpers/tempFolder.ts';

type Run = Parameters<Engine['run']>;

/** An engine that does as the test says: its running job ends when told how. */
class ScriptedEngine implements Engine {
  readonly pid = undefined;
  /** Checkpoint and memory mode of each job it was given. */
  readonly given: { model: string; memory: string | undefined }[] = [];
  #current: { finish(): void; fail(error: Error): void; report: Run[1] } | null = null;

  run(job: Run[0], options: Run[1] = {}): Promise<EngineResult> {
    if (job.kind !== 'generate') throw new Error('only pictures here');
    this.given.push({ model: job.request.checkpoint.name, memory: options.memory });
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => reject(error);
      options.signal?.addEventListener('abort', () => fail(engineError('cancelled')));
      const finish = () => resolve({ kind: 'images', images: [], seeds: [], notes: [], timings: {} });
      this.#current = { finish, fail, report: options };
    });
  }

  step(step: number, steps: number): void {
    this.#current?.report?.onProgress?.({ stage: 'denoise', step, steps });
  }
  finish(): Promise<void> {
    this.#current?.finish();
    return turns();
  }
  crash(): Promise<void> {
    this.#current?.fail(engineError('crashed'));
    return turns();
  }
  kill(): void {
    this.#current?.fail(engineError('cancelled'));
  }
}

const engineError = (code: 'crashed' | 'cancelled') => new EngineError({ code, message: code });
/** Lets everything run that waits for nothing but its turn. */
const turns = () => new Promise<void>((resolve) => setTimeout(resolve, 5));

function setUp(db = tempDatabase(), now: () => number = Date.now) {
  const root = tempFolder();
  db.run("INSERT OR IGNORE INTO folders VALUES (1, '/m', 'plain', 0, '', 1)");
  for (const name of ['a', 'b', 'c']) {
    writeFileSync(join(root, name), name);
    db.run(
      "INSERT OR REPLACE INTO models (id, folder_id, path, file_name, type, base, bytes, modified, state) VALUES ((SELECT id FROM models WHERE file_name = ?), 1, ?, ?, 'checkpoint', 'sd15', 1, 1, 'ready')",
      ...[`${name}.safetensors`, join(root, name), `${name}.safetensors`],
    );
  }
  const engine = new ScriptedEngine();
  const events: StudioEvent[] = [];
  const finished: Job[] = [];
  const emit = (event: StudioEvent) => void events.push(event);
  const timeline = createTimeline();
  const runner = new Runner({
    ...{ db, engine, emit, timeline, now, onIdle: () => undefined },
    places: { db, pictures: root, uploads: root, training: root, preprocessors: root },
    finish: async (job) => {
      finished.push(job);
      return { notes: [], steps: 20 };
    },
  });
  const jobs = new Jobs({ db, runner, timeline, emit, now });
  const add = (name: string, at: 'end' | 'next' = 'end') =>
    jobs.add(
      generationRequestSchema.parse({
        ...{ kind: 'text-to-image', checkpoint: { name }, prompt: 'x', seed: '1', width: 64, height: 64 },
      }),
      at,
    ).id;
  const states = (...ids: number[]) => ids.map((id) => jobs.get(id).state);
  return { db, engine, events, finished, runner, jobs, add, states };
}

test('jobs of the loaded model go first; one placed by hand waits for nobody', async () => {
  const { engine, add } = setUp();
  for (const name of ['a', 'b', 'a', 'c', 'a']) add(name);
  await engine.finish();
  add('c', 'next');
  for (let i = 0; i < 5; i++) await engine.finish();
  expect(engine.given.map(({ model }) => model).join('')).toBe('aaccba');
});

test('stop after this: the running job ends, nothing follows until resumed, over a restart too', async () => {
  const { db, engine, jobs, add, states } = setUp();
  const [first, second] = [add('a'), add('a')];
  jobs.stop('after-this');
  expect(jobs.list()).toMatchObject({ stopping: true, paused: false });
  await engine.finish();
  expect(states(first, second)).toEqual(['done', 'queued']);
  expect(jobs.list()).toMatchObject({ stopping: false, paused: true });
  const restarted = setUp(db);
  restarted.jobs.start();
  await turns();
  expect(restarted.states(second)).toEqual(['queued']);
  restarted.jobs.resume();
  await restarted.engine.finish();
  expect(restarted.states(second)).toEqual(['done']);
});

test('stop now: the running job is cancelled, the others wait; clear takes what waits and leaves what runs', async () => {
  const { engine, jobs, add, states, events } = setUp();
  const [first, second, third] = [add('a'), add('a'), add('a')];
  jobs.stop('now');
  await turns();
  expect(states(first, second, third)).toEqual(['cancelled', 'queued', 'queued']);
  jobs.resume();
  await turns();
  jobs.clear('queued');
  expect(events.at(-1)).toEqual({ type: 'jobs-removed', ids: [third] });
  expect(states(second)).toEqual(['running']);
  await engine.finish();
  jobs.clear('finished');
  expect(jobs.list().jobs).toEqual([]);
});

test('a first crash runs the job again, the second in a row stops it and the queue goes on', async () => {
  const { engine, events, jobs, add, states } = setUp();
  const [unlucky, next] = [add('a'), add('a')];
  await engine.crash();
  const told = events.flatMap((event) => (event.type === 'notice' ? [event.notice] : []));
  expect(told).toMatchObject([{ level: 'warning', error: { code: 'crashed' } }]);
  expect(jobs.get(unlucky)).toMatchObject({ state: 'running', crashes: 1 });
  await engine.crash();
  expect(jobs.get(unlucky)).toMatchObject({ state: 'failed', error: { code: 'crashed' } });
  expect(states(next)).toEqual(['running']);
  await engine.crash();
  await engine.finish();
  expect(states(next)).toEqual(['done']);
  jobs.continue(unlucky);
  await turns();
  await engine.crash();
  expect(jobs.get(unlucky)).toMatchObject({ state: 'running', crashes: 1 });
});

test('a clock set back an hour in the middle of a job spoils neither its time left nor what is learnt', async () => {
  let wall = Date.UTC(2026, 0, 1, 12);
  const { db, engine, events, add, states } = setUp(tempDatabase(), () => wall);
  const id = add('a');
  engine.step(1, 20);
  wall -= 3_600_000;
  await turns();
  engine.step(2, 20);
  await engine.finish();
  expect(states(id)).toEqual(['done']);
  const told = events.flatMap((event) => (event.type === 'progress' ? [event.progress] : []));
  expect(told.at(-1)!.secondsPerStep).toBeGreaterThan(0);
  expect(told.at(-1)!.secondsPerStep).toBeLessThan(10);
  const learnt = db.all<{ key: string; mean: number }>('SELECT key, mean FROM measurements');
  expect(learnt.length).toBeGreaterThan(0);
  for (const { key, mean } of learnt) {
    expect(mean, key).toBeGreaterThanOrEqual(0);
    expect(mean, key).toBeLessThan(10);
  }
});

test('the engine runs each job in the memory mode that was planned for it', async () => {
  const { db, engine, add } = setUp();
  add('a');
  await engine.finish();
  updateSettings(db, { memory: 'low' });
  add('a');
  await engine.finish();
  // So large that in normal mode it takes more than the machine has, in low mode half of it.
  db.run("UPDATE models SET bytes = ? WHERE file_name = 'b.safetensors'", totalMemory() / 1.4);
  updateSettings(db, { memory: 'auto' });
  add('b');
  await engine.finish();
  expect(engine.given.map(({ memory }) => memory)).toEqual(['normal', 'low', 'low']);
});

test('what is recorded was found when the job began: a model taken away while it runs costs no picture', async () => {
  const { db, engine, finished, add, states } = setUp();
  const sha256 = 'a'.repeat(64);
  db.run('UPDATE models SET sha256 = ?', sha256);
  const id = add('a');
  db.run('DELETE FROM models');
  await engine.finish();
  expect(states(id)).toEqual(['done']);
  expect(finished).toMatchObject([{ id, request: { checkpoint: { name: 'a', sha256 } } }]);
});
