/** Runs a sweep: one job a cell, row by row; stops it, and lets it go on. */
import i18next from 'i18next';
import { type SweepAxis, sweepGrid } from '../request/sweep.ts';
import { emptyCells, haltedJobs, openJobs } from '../request/sweepCells.ts';
import { currentDocument } from '../stores/document.ts';
import { attempt } from '../stores/notices.ts';
import { studio } from '../stores/studio.ts';
import { keepSweep, placeJob, useSweep } from '../stores/sweep.ts';
import { useView } from '../stores/view.ts';
import { prepare } from './generate.ts';

/** Takes the place of the last one; what that one has in the queue is painted all the same. */
export async function startSweep(x: SweepAxis, y: SweepAxis | null): Promise<void> {
  if (useSweep.getState().sending) return;
  useSweep.setState({ sending: true });
  await attempt(async () => {
    const prepared = await prepare(currentDocument(), useView.getState().mode);
    if (prepared === null) throw new Error(i18next.t('checkpoint.needed'));
    const grid = sweepGrid(prepared.request, x, y);
    useSweep.setState({ sweep: { x, y, cells: emptyCells(grid.length, x.values.length) } });
    // One after the other: their order in the queue is the order of the cells.
    for (const [row, requests] of grid.entries()) {
      for (const [column, request] of requests.entries()) {
        if (!useSweep.getState().sending) return;
        placeJob(row, column, await studio().queue.add({ request }));
      }
      await keepSweep();
    }
  });
  useSweep.setState({ sending: false });
}

/** Takes what still waits out of the queue, the last one first so that none of them starts, then stops the one that runs. */
export async function stopSweep(): Promise<void> {
  useSweep.setState({ sending: false });
  const { sweep } = useSweep.getState();
  // A job that has just been painted cannot be stopped any more, and need not be.
  for (const id of openJobs(sweep?.cells ?? []).reverse())
    await studio()
      .queue.cancel({ id })
      .catch(() => undefined);
}

/** Queues again what was stopped, went wrong or was cut short. */
export async function continueSweep(): Promise<void> {
  const { sweep } = useSweep.getState();
  for (const id of haltedJobs(sweep?.cells ?? [])) await attempt(() => studio().queue.continue({ id }));
}
