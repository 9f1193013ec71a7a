/** A row of the benchmark: one claim, one number, and what was wanted of it. */
import type { EngineSettings } from '../../main/engine/border/protocol.ts';

export interface BenchRow {
  /** What was measured, on what: "U-Net, normal: CFG step at 512²". */
  readonly what: string;
  readonly value: number;
  /** "s", "ms", "×" (a ratio inside the run), "%", "GiB", "dB", "MP/s" … */
  readonly unit: string;
  /** What the row should reach; rows without are there to be read. */
  readonly goal?: { readonly atMost: number } | { readonly atLeast: number };
}

/** What every section is given. */
export interface BenchContext {
  /** A full-size SD 1.5 checkpoint of random fp16 weights. */
  readonly checkpoint: string;
  /** A folder for caches and other files, removed afterwards. */
  readonly folder: string;
  /** For the section `device`: what `--device` names. */
  readonly device?: EngineSettings['device'];
  /** Picture sides to measure at. */
  readonly sides: readonly number[];
}

/** Rows of one section, and the machine's GEMM speed (GFLOP/s) before and after it. */
export interface SectionReport {
  readonly section: string;
  readonly rows: readonly BenchRow[];
  readonly gemm: readonly [before: number, after: number];
}

/** Two GEMM readings of one section further apart than this mean that something else was running. */
const CONTENTION = 0.15;

/** Whether the machine did something else while the section ran. */
export function isContended({ gemm: [before, after] }: SectionReport): boolean {
  return Math.abs(before - after) / Math.max(before, after) > CONTENTION;
}

/** The section as lines of a table: a heading with the GEMM speed it was measured beside, then its rows. */
export function sectionLines(report: SectionReport): string[] {
  const [before, after] = report.gemm;
  const busy = isContended(report) ? ' · THE MACHINE WAS BUSY' : '';
  const heading = `${report.section}  (GEMM ${before.toFixed(0)} → ${after.toFixed(0)} GFLOP/s${busy})`;
  return [heading, ...report.rows.map(rowLine)];
}

function rowLine(row: BenchRow): string {
  const { what, value, unit } = row;
  return `  ${what.padEnd(58)}${significant(value).padStart(10)} ${unit.padEnd(8)}${goalText(row)}`;
}

function goalText({ value, goal }: BenchRow): string {
  if (!goal) return '';
  const atMost = 'atMost' in goal;
  const limit = atMost ? goal.atMost : goal.atLeast;
  const met = atMost ? value <= limit : value >= limit;
  return `${met ? 'ok  ' : 'MISS'} (${atMost ? '≤' : '≥'} ${significant(limit)})`;
}

/** Three significant digits, without an exponent. */
function significant(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return `${value}`;
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 9));
}
