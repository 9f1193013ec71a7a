/** Runs a sweep: one job a cell, each picture into its place when it is done. */
import i18next from 'i18next';
import { create } from 'zustand';
import { type SweepAxis, sweepGrid } from '../request/sweep.ts';
import { currentDocument } from '../stores/document.ts';
import { attempt } from '../stores/notices.ts';
import { onEvent, studio } from '../stores/studio.ts';
import { useView } from '../stores/view.ts';
import { prepare } from './generate.ts';

interface Cell {
  readonly jobId: number;
  readonly url: string | null;
}

interface SweepState {
  readonly x: SweepAxis | null;
  readonly y: SweepAxis | null;
  readonly cells: readonly (readonly Cell[])[];
}

export const useSweep = create<SweepState>(() => ({ x: null, y: null, cells: [] }));

export async function startSweep(x: SweepAxis, y: SweepAxis | null): Promise<void> {
  await attempt(async () => {
    const prepared = await prepare(currentDocument(), useView.getState().mode);
    if (prepared === null) throw new Error(i18next.t('checkpoint.needed'));
    useSweep.setState({ x, y, cells: [] });
    for (const row of sweepGrid(prepared.request, x, y)) {
      const cells: Cell[] = [];
      for (const request of row) cells.push({ jobId: (await studio().queue.add({ request })).id, url: null });
      useSweep.setState((state) => ({ cells: [...state.cells, cells] }));
    }
  });
}

onEvent((event) => {
  if (event.type !== 'job' || event.job.state !== 'done') return;
  const { id: jobId, pictures } = event.job;
  const [first] = pictures;
  if (
    first === undefined ||
    !useSweep
      .getState()
      .cells.flat()
      .some((cell) => cell.jobId === jobId)
  )
    return;
  void attempt(async () => {
    const { url } = await studio().history.get({ id: first });
    useSweep.setState(({ cells }) => ({
      cells: cells.map((row) => row.map((cell) => (cell.jobId === jobId ? { ...cell, url } : cell))),
    }));
  });
});
