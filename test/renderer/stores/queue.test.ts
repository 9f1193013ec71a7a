/** What the Speed control says of the last picture, and how long the queue takes. */
import { expect, test } from 'vitest';
import type { Job, JobProgress } from '../../../preload/jobs.ts';
import { queueSecondsLeft, speedRemark } from '../../../renderer/stores/queue.ts';

const NOTE =
  'Speed "fast" keeps the weights exact: its products take 1.10 × the time of float32 on this processor.';
const job = (speed: string, finished: number, notes: readonly string[], state = 'done') =>
  ({ request: { kind: 'text-to-image', speed }, state, finished, notes }) as unknown as Job;

test('the last picture of a speed tells why its weights stayed exact, for as long as that is so', () => {
  const jobs = [
    job('fast', 5, ['lora: applied 2 of 2 tensors', NOTE]),
    job('fast', 2, []),
    job('draft', 9, []),
  ];
  expect(speedRemark({ jobs }, 'fast')).toBe(NOTE);
  expect(speedRemark({ jobs }, 'draft')).toBeUndefined();
  expect(speedRemark({ jobs: [...jobs, job('fast', 7, [])] }, 'fast')).toBeUndefined();
  expect(speedRemark({ jobs: [...jobs, job('fast', 7, [], 'failed')] }, 'fast')).toBe(NOTE);
  expect(
    speedRemark({ jobs: [{ request: { kind: 'upscale' }, state: 'done' } as unknown as Job] }, 'fast'),
  ).toBeUndefined();
});

test('the queue takes as long as the running job still does, and all that wait', () => {
  const state = { jobs: [{ ...job('fast', 1, [], 'running'), id: 7 }], progress: null, secondsLeft: 30 };
  const progress = { jobId: 7, secondsLeft: 12 } as JobProgress;
  expect(queueSecondsLeft({ ...state, progress })).toBe(42);
  expect(queueSecondsLeft(state)).toBeNull();
  expect(queueSecondsLeft({ ...state, progress: { ...progress, jobId: 6 } })).toBeNull();
  expect(queueSecondsLeft({ ...state, progress, secondsLeft: null })).toBeNull();
  expect(queueSecondsLeft({ ...state, jobs: [] })).toBe(30);
});
