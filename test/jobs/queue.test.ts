import { expect, test } from 'vitest';
import { expected, expectedSeconds, learn, stepsRun } from '../../main/jobs/estimates.ts';
import * as queue from '../../main/jobs/queue.ts';
import { nextState, TRANSITIONS } from '../../main/jobs/states.ts';
import { createTimeline } from '../../main/jobs/timeline.ts';
import type { WritableDb } from '../../main/storage/database.ts';
import { generationRequestSchema } from '../../preload/request.ts';
import { tempDatabase } from '../helpers/tempDatabase.ts';

const request = (values: object = {}) =>
  generationRequestSchema.parse({
    kind: 'text-to-image',
    checkpoint: { name: 'a' },
    prompt: 'x',
    seed: '1',
    width: 512,
    height: 512,
    steps: 20,
    ...values,
  });
const add = (db: WritableDb, model = 'a', at: 'end' | 'next' = 'end') =>
  queue.addJob(db, request({ checkpoint: { name: model } }), at, null, 1).id;
const order = (db: WritableDb) => queue.listJobs(db, 10).map(({ id }) => id);

test('the table allows what it should, and nothing else', () => {
  expect(nextState('queued', 'start')).toBe('running');
  expect(nextState('running', 'crash')).toBe('queued');
  expect(nextState('interrupted', 'requeue')).toBe('queued');
  for (const state of Object.keys(TRANSITIONS) as (keyof typeof TRANSITIONS)[]) {
    for (const event of [
      'start',
      'finish',
      'fail',
      'cancel',
      'pause',
      'crash',
      'interrupt',
      'requeue',
    ] as const) {
      if (TRANSITIONS[state][event] === undefined) expect(() => nextState(state, event)).toThrow(/cannot/);
    }
  }
  expect(() => nextState('done', 'requeue')).toThrow(/A job that is done cannot requeue/);
});

test('jobs are moved before others, put first, and to the end, many times into the same gap', () => {
  const db = tempDatabase();
  const [a, b, c] = [add(db), add(db), add(db)];
  const first = add(db, 'a', 'next');
  expect(order(db)).toEqual([first, a, b, c]);
  queue.moveJob(db, c!, a!);
  expect(order(db)).toEqual([first, c, a, b]);
  queue.moveJob(db, first, null);
  expect(order(db)).toEqual([c, a, b, first]);
  for (let i = 0; i < 120; i++) queue.moveJob(db, i % 2 ? b! : c!, a!);
  expect(order(db)).toEqual([c, b, a, first]);
  queue.applyEvent(db, a!, 'start', 2);
  expect(() => queue.moveJob(db, a!, null)).toThrow(/is running and cannot be moved/);
});

test('a loaded model goes first among the next few, but nobody waits for ever, and what was placed by hand stays', () => {
  const db = tempDatabase();
  const waiting = add(db, 'other');
  for (let i = 0; i < 7; i++) add(db, 'loaded');
  const taken: number[] = [];
  for (let i = 0; i < 5; i++) {
    const job = queue.takeNext(db, 'loaded')!;
    taken.push(job.id);
    queue.applyEvent(db, job.id, 'start', 1);
    queue.applyEvent(db, job.id, 'finish', 2);
  }
  expect(taken.slice(0, 4)).not.toContain(waiting);
  expect(taken[4]).toBe(waiting);
  const placed = add(db, 'third', 'next');
  expect(queue.takeNext(db, 'loaded')?.id).toBe(placed);
  expect(queue.takeNext(tempDatabase(), 'loaded')).toBeUndefined();
});

test('what ran when the program ended is interrupted, says so, and can be asked for again', () => {
  const db = tempDatabase();
  const id = add(db);
  queue.applyEvent(db, id, 'start', 5);
  expect(queue.interruptRunning(db, 9)).toEqual([id]);
  expect(queue.readJob(db, id)).toMatchObject({
    state: 'interrupted',
    finished: 9,
    error: { message: expect.stringContaining('ended while this job') },
  });
  expect(queue.applyEvent(db, id, 'requeue', 10)).toMatchObject({ state: 'queued', error: null, crashes: 0 });
});

test('a clock that goes back loses and reorders nothing', () => {
  const db = tempDatabase();
  const ids = [1000, 900, -5, 800].map((now) => queue.addJob(db, request(), 'end', null, now).id);
  expect(order(db)).toEqual(ids);
  queue.applyEvent(db, ids[0]!, 'start', 500);
  queue.applyEvent(db, ids[0]!, 'finish', 100);
  expect(queue.readJob(db, ids[0]!)).toMatchObject({ state: 'done', started: 500, finished: 100 });
  expect(order(db)).toHaveLength(4);
});

test('clearing removes waiting or settled jobs only', () => {
  const db = tempDatabase();
  const [a, b] = [add(db), add(db)];
  queue.applyEvent(db, a!, 'start', 1);
  queue.applyEvent(db, a!, 'fail', 1, { error: { code: 'internal', message: 'm', hint: 'h' } });
  expect(queue.clearJobs(db, 'finished')).toEqual([a]);
  expect(queue.clearJobs(db, 'queued')).toEqual([b]);
  expect(order(db)).toEqual([]);
});

test('candidates wait for a decision, also over a restart', () => {
  const db = tempDatabase();
  db.run("INSERT INTO projects (id, name, width, height, created, modified) VALUES (3, 'p', 1, 1, 1, 1)");
  const target = { projectId: 3, frame: { x: 0, y: 0, width: 64, height: 64 } };
  const { id } = queue.addJob(db, request(), 'end', target, 1);
  queue.applyEvent(db, id, 'start', 1);
  queue.applyEvent(db, id, 'finish', 2);
  expect(queue.undecidedJobs(db, 3)).toMatchObject([{ id, target, chosen: null }]);
  queue.decideJob(db, id, 0);
  expect(queue.undecidedJobs(db, 3)).toEqual([]);
});

test('steps that really run follow each rule', () => {
  const image = { kind: 'image-to-image', initImage: { sha256: 'a'.repeat(64) } };
  expect(stepsRun(request({ ...image, steps: 30, denoisingStrength: 0.6 }))).toBe(18);
  expect(stepsRun(request({ ...image, steps: 30, denoisingStrength: 0.6, stepRule: 'comfy' }))).toBe(30);
  expect(stepsRun(request({ ...image, steps: 30, denoisingStrength: 0.6, stepRule: 'a1111' }))).toBe(19);
  expect(stepsRun(request({ ...image, denoisingStrength: 0 }))).toBe(0);
  expect(stepsRun(request({ secondPass: { scale: 2, upscaler: 'latent', denoisingStrength: 0.5 } }))).toBe(
    30,
  );
});

test('seconds are learnt per kind of job, and in proportion for sizes not seen yet', () => {
  const db = tempDatabase();
  expect(expectedSeconds(db, request())).toBeNull();
  learn(db, request(), { secondsPerStep: 2, secondsAround: 4 }, 1);
  expect(expectedSeconds(db, request())).toBeCloseTo(44);
  expect(expected(db, request({ width: 1024 }), 'secondsPerStep')).toBeCloseTo(4);
  learn(db, request(), { secondsPerStep: 1, secondsAround: 4 }, 2);
  expect(expected(db, request(), 'secondsPerStep')).toBeCloseTo(1.5);
  learn(db, request(), { secondsPerStep: Number.NaN }, 3);
  expect(expected(db, request(), 'secondsPerStep')).toBeCloseTo(1.5);
});

test('the timeline keeps the last jobs and thins long ones', () => {
  const timeline = createTimeline();
  const preview = { width: 1, height: 1, dataUrl: '' };
  for (let job = 1; job <= 25; job++)
    for (let step = 1; step <= 3; step++) timeline.add(job, { step, steps: 3, preview });
  expect(timeline.of(1)).toEqual([]);
  expect(timeline.of(25).map(({ step }) => step)).toEqual([1, 2, 3]);
  for (let step = 1; step <= 1000; step++) timeline.add(30, { step, steps: 1000, preview });
  expect(timeline.of(30).length).toBeLessThanOrEqual(251);
  timeline.add(30, { step: 1, steps: 3, preview });
  expect(timeline.of(30)).toHaveLength(1);
});
