/** The cells of a sweep: what jobs become of, whatever is told first, and what is kept over a restart. */
import { describe, expect, it } from 'vitest';
import type { SweepAxis } from '../../../renderer/request/sweep.ts';
import {
  type Cells,
  changeCells,
  emptyCells,
  fromStored,
  haltedJobs,
  openJobs,
  toStored,
  withJob,
  withoutJobs,
} from '../../../renderer/request/sweepCells.ts';

const x: SweepAxis = { parameter: 'steps', values: ['2', '4', '6'] };
const y: SweepAxis = { parameter: 'sampler', values: ['euler', 'dpmpp_2m'] };

/** Jobs 1–6, row by row. */
const placed = (): Cells =>
  [1, 2, 3, 4, 5, 6].reduce<Cells>(
    (cells, jobId, at) => changeCells(cells, (_, i, j) => i * 3 + j === at, { jobId, state: 'queued' }),
    emptyCells(2, 3),
  );

describe('cells', () => {
  it('take what is told of their job, and leave the others as they are', () => {
    const cells = placed();
    const next = withJob(cells, { id: 5, state: 'done', pictures: [70] });
    expect(next[1]![1]).toEqual({ jobId: 5, state: 'done', pictureId: 70, url: null });
    expect(next[0]).toEqual(cells[0]);
    expect(withJob(cells, { id: 99, state: 'done', pictures: [1] })).toBe(cells);
  });

  it('know which jobs still run, in the order of the queue, and which were halted', () => {
    let cells = withJob(placed(), { id: 1, state: 'done', pictures: [70] });
    cells = withJob(cells, { id: 2, state: 'running', pictures: [] });
    cells = withJob(cells, { id: 3, state: 'cancelled', pictures: [] });
    cells = withJob(cells, { id: 6, state: 'failed', pictures: [] });
    expect(openJobs(cells)).toEqual([2, 4, 5]);
    expect(haltedJobs(cells)).toEqual([3, 6]);
  });

  it('of jobs that were taken out of the queue are gone, unless they are painted', () => {
    const cells = withoutJobs(withJob(placed(), { id: 1, state: 'done', pictures: [70] }), [1, 4]);
    expect(cells[0]![0]!.state).toBe('done');
    expect(cells[1]![0]!.state).toBe('gone');
    expect(openJobs(cells)).toEqual([2, 3, 5, 6]);
  });
});

describe('what is kept', () => {
  it('is the axes, the jobs and the pictures', () => {
    const cells = withJob(placed(), { id: 2, state: 'done', pictures: [71] });
    const stored = JSON.parse(JSON.stringify(toStored({ x, y, cells })));
    const read = fromStored(stored)!;
    expect([read.x, read.y]).toEqual([x, y]);
    expect(read.cells.flat().map(({ jobId, pictureId }) => [jobId, pictureId])).toEqual([
      [1, null],
      [2, 71],
      [3, null],
      [4, null],
      [5, null],
      [6, null],
    ]);
    expect(
      fromStored(JSON.parse(JSON.stringify(toStored({ x, y: null, cells: cells.slice(0, 1) })))),
    ).not.toBeNull();
  });

  it('is refused where it is something else', () => {
    const good = toStored({ x, y, cells: placed() });
    for (const bad of [
      undefined,
      null,
      'sweep',
      {},
      { ...good, x: null },
      { ...good, x: { parameter: 'nonsense', values: ['1'] } },
      { ...good, y: { parameter: 'steps', values: [1] } },
      { ...good, cells: good.cells.slice(1) },
      { ...good, cells: good.cells.map((row) => row.slice(1)) },
      { ...good, cells: good.cells.map((row) => row.map(() => ['1', null])) },
    ])
      expect(fromStored(bad), JSON.stringify(bad)).toBeNull();
  });
});
