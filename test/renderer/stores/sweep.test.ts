/** The sweep hears of its jobs in any order: what is told before a job's number is known must not be lost. */
import { beforeEach, expect, it, vi } from 'vitest';
import type { StudioClient } from '../../../preload/contract.ts';
import type { Job } from '../../../preload/jobs.ts';
import { emptyCells, toStored } from '../../../renderer/request/sweepCells.ts';
import { announce, setClient, useStudio } from '../../../renderer/stores/studio.ts';
import { loadSweep, placeJob, useSweep } from '../../../renderer/stores/sweep.ts';

const x = { parameter: 'steps', values: ['2', '4'] } as const;
const y = { parameter: 'sampler', values: ['euler', 'dpmpp_2m'] } as const;
const job = (id: number, state: Job['state'], pictures: readonly number[] = []): Job =>
  ({ id, state, pictures, request: { kind: 'text-to-image' } }) as unknown as Job;

const jobs = new Map<number, Job>();
const gonePictures = new Set<number>();
const update = vi.fn(async () => undefined);

beforeEach(() => {
  jobs.clear();
  gonePictures.clear();
  update.mockClear();
  const found = <T>(value: T | undefined): Promise<T> =>
    value === undefined ? Promise.reject(new Error('not found')) : Promise.resolve(value);
  setClient({
    history: {
      get: ({ id }: { id: number }) => found(gonePictures.has(id) ? undefined : { id, url: `/files/${id}` }),
    },
    queue: { get: ({ id }: { id: number }) => found(jobs.get(id)) },
    settings: { update },
  } as unknown as StudioClient);
  useSweep.setState({ sweep: { x, y, cells: emptyCells(2, 2) }, sending: false });
});

const urls = () => useSweep.getState().sweep?.cells.map((row) => row.map(({ url }) => url));
const states = () => useSweep.getState().sweep?.cells.map((row) => row.map(({ state }) => state));

it('shows a picture that was painted before the number of its job was known', async () => {
  announce({ type: 'job', job: job(11, 'running') });
  announce({ type: 'job', job: job(11, 'done', [70]) });
  // The answer to `queue.add` is as old as the question.
  placeJob(0, 0, job(11, 'queued'));
  await vi.waitFor(() =>
    expect(urls()).toEqual([
      ['/files/70', null],
      [null, null],
    ]),
  );
  expect(states()![0]![0]).toBe('done');
});

it('fills every cell, in whatever order the pictures come', async () => {
  for (const [at, id] of [21, 22, 23, 24].entries()) placeJob(Math.floor(at / 2), at % 2, job(id, 'queued'));
  for (const id of [24, 21, 23, 22]) announce({ type: 'job', job: job(id, 'done', [id + 100]) });
  await vi.waitFor(() =>
    expect(urls()).toEqual([
      ['/files/121', '/files/122'],
      ['/files/123', '/files/124'],
    ]),
  );
  await vi.waitFor(() => expect(update).toHaveBeenCalled());
});

it('comes back after a reload: pictures, what was painted meanwhile, what was cut short, what is no more', async () => {
  const cells = [
    [
      { jobId: 31, state: 'done', pictureId: 70, url: null },
      { jobId: 32, state: 'queued', pictureId: null, url: null },
    ],
    [
      { jobId: 33, state: 'queued', pictureId: null, url: null },
      { jobId: 34, state: 'queued', pictureId: null, url: null },
    ],
  ] as const;
  useSweep.setState({ sweep: null });
  useStudio.setState({ settings: { window: { sweep: toStored({ x, y, cells }) } } as never });
  jobs.set(32, job(32, 'done', [71]));
  jobs.set(33, job(33, 'interrupted'));
  await loadSweep();
  await vi.waitFor(() =>
    expect(urls()).toEqual([
      ['/files/70', '/files/71'],
      [null, null],
    ]),
  );
  expect(states()).toEqual([
    ['done', 'done'],
    ['interrupted', 'gone'],
  ]);
  gonePictures.add(70);
  await loadSweep();
  await vi.waitFor(() => expect(states()![0]![0]).toBe('gone'));
});

it('loses nothing when finished jobs are cleared from the queue', async () => {
  placeJob(0, 0, job(41, 'done', [80]));
  placeJob(0, 1, job(42, 'queued'));
  await vi.waitFor(() => expect(urls()![0]![0]).toBe('/files/80'));
  announce({ type: 'jobs-removed', ids: [41, 42] });
  expect(states()![0]).toEqual(['done', 'gone']);
});
