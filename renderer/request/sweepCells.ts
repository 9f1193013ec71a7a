/** The cells of a sweep: which job paints which, what became of it, and the same as it is kept over a restart. */
import type { Job, JobState } from '../../preload/jobs.ts';
import type { SweepAxis } from './sweep.ts';
import { SWEEP_PARAMETERS } from './sweep.ts';

/** `waiting`: not handed to the queue yet. `gone`: its job was taken out of the queue, or its picture is no more. */
export type CellState = JobState | 'waiting' | 'gone';

export interface Cell {
  readonly jobId: number | null;
  readonly state: CellState;
  readonly pictureId: number | null;
  /** Where the picture is served; null until it was asked for. */
  readonly url: string | null;
}

/** Rows of columns. */
export type Cells = readonly (readonly Cell[])[];

export interface Sweep {
  readonly x: SweepAxis;
  readonly y: SweepAxis | null;
  readonly cells: Cells;
}

const WAITING: Cell = { jobId: null, state: 'waiting', pictureId: null, url: null };

export const emptyCells = (rows: number, columns: number): Cells =>
  Array.from({ length: rows }, () => Array.from({ length: columns }, () => WAITING));

/** Changes the cells that `which` holds for. The same cells come back where there is none. */
export function changeCells(
  cells: Cells,
  which: (cell: Cell, row: number, column: number) => boolean,
  change: Partial<Cell>,
): Cells {
  if (!cells.some((row, i) => row.some((cell, j) => which(cell, i, j)))) return cells;
  return cells.map((row, i) => row.map((cell, j) => (which(cell, i, j) ? { ...cell, ...change } : cell)));
}

/** What is told of a job goes into its cell. */
export const withJob = (
  cells: Cells,
  { id, state, pictures }: Pick<Job, 'id' | 'state' | 'pictures'>,
): Cells => changeCells(cells, ({ jobId }) => jobId === id, { state, pictureId: pictures[0] ?? null });

/** Jobs that were taken out of the queue; a picture that is there stays. */
export const withoutJobs = (cells: Cells, ids: readonly number[]): Cells =>
  changeCells(cells, ({ jobId, pictureId }) => jobId !== null && pictureId === null && ids.includes(jobId), {
    state: 'gone',
  });

const OPEN: ReadonlySet<CellState> = new Set(['waiting', 'queued', 'running']);
/** A job in such a state paints when it is asked to go on. */
const HALTED: ReadonlySet<CellState> = new Set(['paused', 'failed', 'cancelled', 'interrupted']);

/** Jobs that still run or wait, in the order of the queue. */
export const openJobs = (cells: Cells): number[] => jobsIn(cells, OPEN);
/** Jobs that were stopped, went wrong or were cut short. */
export const haltedJobs = (cells: Cells): number[] => jobsIn(cells, HALTED);

const jobsIn = (cells: Cells, states: ReadonlySet<CellState>): number[] =>
  cells.flat().flatMap(({ jobId, state }) => (jobId !== null && states.has(state) ? [jobId] : []));

/** A cell as it is kept: its job and its picture. */
type Stored = [number | null, number | null];

export const toStored = ({ x, y, cells }: Sweep) => ({
  x: { parameter: x.parameter, values: [...x.values] },
  y: y === null ? null : { parameter: y.parameter, values: [...y.values] },
  cells: cells.map((row) => row.map(({ jobId, pictureId }): Stored => [jobId, pictureId])),
});

/** A sweep as `toStored` wrote it; null for anything else. What became of its jobs is to be asked for. */
export function fromStored(stored: unknown): Sweep | null {
  if (!isRecord(stored) || !isAxis(stored['x'])) return null;
  const { x, y, cells } = stored;
  if (!(y === null || isAxis(y)) || !Array.isArray(cells)) return null;
  const rows = y === null ? 1 : y.values.length;
  if (cells.length !== rows || !cells.every((row) => isRow(row, x.values.length))) return null;
  return { x, y, cells: (cells as Stored[][]).map((row) => row.map(storedCell)) };
}

const storedCell = ([jobId, pictureId]: Stored): Cell => ({ ...WAITING, jobId, pictureId });

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const isAxis = (value: unknown): value is SweepAxis =>
  isRecord(value) &&
  SWEEP_PARAMETERS.some((name) => name === value['parameter']) &&
  Array.isArray(value['values']) &&
  value['values'].every((each) => typeof each === 'string');

const isId = (value: unknown): boolean => value === null || Number.isInteger(value);

const isRow = (row: unknown, columns: number): boolean =>
  Array.isArray(row) &&
  row.length === columns &&
  row.every((cell) => Array.isArray(cell) && cell.length === 2 && cell.every(isId));
