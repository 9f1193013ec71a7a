/** The queue as the studio tells it: jobs, the running one's progress, the previews of its steps. */
import { create } from 'zustand';
import type { Job, JobProgress, Plan } from '../../preload/jobs.ts';
import type { GenerationRequest } from '../../preload/request.ts';
import { attempt } from './notices.ts';
import { onEvent, studio } from './studio.ts';

export interface TimelineStep {
  readonly step: number;
  readonly steps: number;
  readonly dataUrl: string;
}

interface QueueState {
  readonly jobs: readonly Job[];
  readonly paused: boolean;
  readonly stopping: boolean;
  /** Of the jobs that wait; null while it cannot be told. */
  readonly secondsLeft: number | null;
  /** Of the running job. */
  readonly progress: JobProgress | null;
  /** Noise → picture of the last run that had previews. */
  readonly steps: { readonly jobId: number; readonly list: readonly TimelineStep[] } | null;
  readonly plan: Plan | null;
  /** Requests on their way to the queue: between the click and the studio's answer. */
  readonly sending: number;
}

export const useQueue = create<QueueState>(() => ({
  jobs: [],
  paused: false,
  stopping: false,
  secondsLeft: null,
  progress: null,
  steps: null,
  plan: null,
  sending: 0,
}));

export async function loadQueue(): Promise<void> {
  const { jobs, paused, stopping, secondsLeft } = await studio().queue.list();
  useQueue.setState({ jobs, paused, stopping, secondsLeft, progress: null });
}

export const runningJob = ({ jobs }: Pick<QueueState, 'jobs'>): Job | undefined =>
  jobs.find((job) => job.state === 'running');

/** Waiting jobs in the order in which they will run. */
export const waitingJobs = ({ jobs }: Pick<QueueState, 'jobs'>): Job[] =>
  jobs.filter((job) => job.state === 'queued').sort((a, b) => a.position - b.position);

/** Why the last picture of this speed was computed with exact weights; undefined where it was not, or where none is known. */
export function speedRemark(
  { jobs }: Pick<QueueState, 'jobs'>,
  speed: GenerationRequest['speed'],
): string | undefined {
  const done = jobs.filter(
    ({ state, request }) => state === 'done' && 'speed' in request && request.speed === speed,
  );
  const last = done.sort((a, b) => (a.finished ?? 0) - (b.finished ?? 0)).at(-1);
  return last?.notes.find((note) => note.startsWith(`Speed "${speed}" keeps the weights exact`));
}

function takeJob(job: Job): void {
  useQueue.setState(({ jobs, progress }) => {
    const known = jobs.some(({ id }) => id === job.id);
    const next = known ? jobs.map((other) => (other.id === job.id ? job : other)) : [...jobs, job];
    const ended = progress?.jobId === job.id && job.state !== 'running';
    return { jobs: next, ...(ended ? { progress: null } : {}) };
  });
}

function takeProgress(progress: JobProgress): void {
  useQueue.setState(({ steps }) => {
    const { preview, jobId, step, stage } = progress;
    if (preview === null || stage !== 'denoise') return { progress };
    const list = steps?.jobId === jobId ? steps.list.filter((known) => known.step < step) : [];
    return {
      progress,
      steps: { jobId, list: [...list, { step, steps: progress.steps, dataUrl: preview.dataUrl }] },
    };
  });
}

/** Shows the noise → picture path of an earlier job, unless it is forgotten. @returns how many steps are still known. */
export async function loadTimeline(jobId: number): Promise<number> {
  const list = await studio().queue.timeline({ id: jobId });
  if (list.length === 0) return 0;
  useQueue.setState({
    steps: {
      jobId,
      list: list.map(({ step, steps, preview }) => ({ step, steps, dataUrl: preview.dataUrl })),
    },
  });
  return list.length;
}

/** Seconds until the queue is empty: the running job and all that wait; null while it cannot be told. */
export function queueSecondsLeft(
  state: Pick<QueueState, 'jobs' | 'progress' | 'secondsLeft'>,
): number | null {
  const { progress, secondsLeft } = state;
  const running = runningJob(state);
  if (running === undefined) return secondsLeft;
  const now = progress?.jobId === running.id ? progress.secondsLeft : null;
  return now === null || secondsLeft === null ? null : now + secondsLeft;
}

let pending: ReturnType<typeof setTimeout> | undefined;
/** Asks anew how long what waits will take; many changes at once are one question. */
function countSoon(): void {
  clearTimeout(pending);
  pending = setTimeout(async () => {
    const queue = await attempt(() => studio().queue.list());
    if (queue !== undefined) useQueue.setState({ secondsLeft: queue.secondsLeft });
  }, 200);
}

onEvent((event) => {
  if (event.type === 'job' || event.type === 'jobs-removed') countSoon();
  if (event.type === 'job') takeJob(event.job);
  if (event.type === 'jobs-removed')
    useQueue.setState(({ jobs }) => ({ jobs: jobs.filter(({ id }) => !event.ids.includes(id)) }));
  if (event.type === 'queue') {
    const { paused, stopping } = event;
    useQueue.setState({ paused, stopping });
  }
  if (event.type === 'progress') takeProgress(event.progress);
});
