/** How much memory a job takes in each way it can be run: as estimated, corrected by what was measured. */

import type { JobRequest } from '../../preload/jobs.ts';
import { resolveModel } from '../library/resolve.ts';
import type { ReadableDb, WritableDb } from '../storage/database.ts';
import { exactKey, modelKey, recall, remember } from './estimates.ts';
import {
  chooseWay,
  estimatedBytes,
  type MemoryChoice,
  type MemoryNow,
  type MemorySource,
  parametersIn,
  type Way,
} from './memoryWays.ts';

/** A measured peak corrects the estimates of the same model and mode by no more than this. */
const MAX_CORRECTION = 2;

/** What the library and the jobs so far say. */
export function knownMemory(db: ReadableDb): MemorySource {
  return {
    needed: (request, way) => neededBytes(db, request, way),
    parameters: (request) => parametersOf(db, request),
  };
}

/** As chooseWay, by all that is known. */
export function chooseMemory(db: ReadableDb, request: JobRequest, now: MemoryNow): MemoryChoice {
  return chooseWay(knownMemory(db), request, now);
}

/** Bytes at the peak: as measured for just this kind of job, else estimated. */
export function neededBytes(db: ReadableDb, request: JobRequest, way: Way): number {
  const measured = recall(db, exactKey(request, peakName(way)));
  if (measured !== null) return measured;
  return (
    estimatedBytes(request, parametersOf(db, request), way) * (recall(db, correctionKey(request, way)) ?? 1)
  );
}

/** Takes in what a job really took. */
export function learnPeak(
  db: WritableDb,
  request: JobRequest,
  way: Way,
  peakBytes: number,
  now: number,
): void {
  const correction = peakBytes / estimatedBytes(request, parametersOf(db, request), way);
  const bounded = Math.min(MAX_CORRECTION, Math.max(1 / MAX_CORRECTION, correction));
  remember(db, exactKey(request, peakName(way)), peakBytes, now);
  remember(db, correctionKey(request, way), bounded, now);
}

function peakName({ mode, tiled }: Way): string {
  return `peakBytes ${mode}${tiled ? ' tiled' : ''}`;
}

function correctionKey(request: JobRequest, way: Way): string {
  const speed = request.kind === 'upscale' || request.kind === 'train-lora' ? '' : request.speed;
  return `correction ${way.mode}|${request.kind}|${modelKey(request)}|${speed}`;
}

function parametersOf(db: ReadableDb, request: JobRequest): number {
  if (request.kind === 'upscale') return 0;
  const model = resolveModel(db, request.checkpoint, undefined, 'checkpoint');
  return parametersIn(model?.bytes ?? 0, model?.dtype ?? '');
}
