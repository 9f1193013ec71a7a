/** The loss log: one JSON object a line, appended as the run goes, readable by anything. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export interface LossRecord {
  /** Optimiser steps taken, from 1. */
  readonly step: number;
  readonly loss: number;
  readonly learningRate: number;
  /** Seconds of training since the run's first start, pauses left out. */
  readonly seconds: number;
  /** Further figures by name: parts of the loss, gradient norm, scores. */
  readonly figures?: Readonly<Record<string, number>>;
}

export interface LossLog {
  append(record: LossRecord): void;
}

/**
 * Opens the log at `path`, made if need be. Records after `resumedStep` are dropped: a run that was killed after its
 * last saved state takes those steps again.
 */
export function openLossLog(path: string, resumedStep: number): LossLog {
  mkdirSync(dirname(path), { recursive: true });
  const kept = readLossLog(path).filter(({ step }) => step <= resumedStep);
  const temporary = `${path}.partial`;
  writeFileSync(temporary, kept.map(lineOf).join(''));
  renameSync(temporary, path);
  return { append: (record) => appendFileSync(path, lineOf(record)) };
}

/** All records; a line cut off by a kill ends the reading. A missing file is an empty log. */
export function readLossLog(path: string): LossRecord[] {
  if (!existsSync(path)) return [];
  const records: LossRecord[] = [];
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const record = parse(line);
    if (!record) break;
    records.push(record);
  }
  return records;
}

function lineOf(record: LossRecord): string {
  return `${JSON.stringify(record)}\n`;
}

function parse(line: string): LossRecord | undefined {
  try {
    const record = JSON.parse(line) as Partial<LossRecord> | null;
    return typeof record?.step === 'number' && typeof record.loss === 'number'
      ? (record as LossRecord)
      : undefined;
  } catch {
    return undefined;
  }
}
