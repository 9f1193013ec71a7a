/** The last sweep, kept over a reload: its cells hear what becomes of their jobs, in whatever order that is told. */
import { create } from 'zustand';
import type { Job } from '../../preload/jobs.ts';
import {
  type Cell,
  changeCells,
  fromStored,
  type Sweep,
  toStored,
  withJob,
  withoutJobs,
} from '../request/sweepCells.ts';
import { attempt } from './notices.ts';
import { useQueue } from './queue.ts';
import { onEvent, studio, useStudio } from './studio.ts';

/** Key of the settings' `window` record. */
const STORED = 'sweep';

interface SweepState {
  readonly sweep: Sweep | null;
  /** Its jobs are being handed to the queue. */
  readonly sending: boolean;
}

export const useSweep = create<SweepState>(() => ({ sweep: null, sending: false }));

/** Changes the cells of the sweep at hand. */
function change(how: (cells: Sweep['cells']) => Sweep['cells']): void {
  const { sweep } = useSweep.getState();
  if (sweep === null) return;
  const cells = how(sweep.cells);
  if (cells !== sweep.cells) useSweep.setState({ sweep: { ...sweep, cells } });
}

/** A cell's job is in the queue. It may have been painted already: what was told of it before its number was known counts too. */
export function placeJob(row: number, column: number, job: Job): void {
  change((cells) => changeCells(cells, (_, i, j) => i === row && j === column, { jobId: job.id }));
  takeJob(useQueue.getState().jobs.find(({ id }) => id === job.id) ?? job);
}

export const keepSweep = (): Promise<unknown> =>
  attempt(async () => {
    const { sweep } = useSweep.getState();
    if (sweep !== null) await studio().settings.update({ window: { [STORED]: toStored(sweep) } });
  });

function takeJob(job: Job): void {
  const before = useSweep.getState().sweep;
  change((cells) => withJob(cells, job));
  const [pictureId] = job.pictures;
  if (pictureId === undefined || before === useSweep.getState().sweep) return;
  void showPicture(pictureId).then(keepSweep);
}

/** Asks where a picture is served. One that is no more leaves its cell empty. */
async function showPicture(id: number): Promise<void> {
  const found = await studio()
    .history.get({ id })
    .catch(() => null);
  const patch: Partial<Cell> =
    found === null ? { state: 'gone', url: null } : { state: 'done', url: found.url };
  change((cells) => changeCells(cells, ({ pictureId }) => pictureId === id, patch));
}

/** The sweep of the last session, or after the line was cut: asks what became of every cell. */
export async function loadSweep(): Promise<void> {
  const sweep = useSweep.getState().sweep ?? fromStored(useStudio.getState().settings?.window[STORED]);
  if (sweep === null) return;
  useSweep.setState({ sweep });
  await Promise.all(sweep.cells.flat().map(refresh));
}

async function refresh({ jobId, pictureId }: Cell): Promise<void> {
  if (pictureId !== null) return showPicture(pictureId);
  if (jobId === null) return;
  const job = await studio()
    .queue.get({ id: jobId })
    .catch(() => null);
  if (job === null) change((cells) => withoutJobs(cells, [jobId]));
  else takeJob(job);
}

onEvent((event) => {
  if (event.type === 'job') takeJob(event.job);
  if (event.type === 'jobs-removed') change((cells) => withoutJobs(cells, event.ids));
});
