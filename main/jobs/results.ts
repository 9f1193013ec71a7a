/** What becomes of a finished job: pictures into the history, a LoRA into the library. */
import { StudioError } from '../../preload/errors.ts';
import type { Job } from '../../preload/jobs.ts';
import type { EngineResult } from '../engine/border/protocol.ts';
import type { History } from '../history/history.ts';
import { pixelsOf } from '../images/pixels.ts';
import { countUse } from '../library/cards.ts';
import { takeIn } from '../library/importing.ts';
import type { Library } from '../library/library.ts';
import { modelsOf, resolveModel } from '../library/resolve.ts';
import type { WritableDb } from '../storage/database.ts';
import { unitsOf } from './estimates.ts';
import type { ResolvePlaces } from './resolve.ts';

export interface Outcome {
  readonly notes: readonly string[];
  readonly steps: number;
  readonly modelId?: number;
}

/** `job` has the request that is to be recorded. */
export type FinishJob = (job: Job, result: EngineResult) => Promise<Outcome>;

export interface ResultPlaces extends ResolvePlaces {
  readonly db: WritableDb;
  readonly models: string;
  readonly history: History;
  readonly library: Library;
  readonly now: () => number;
}

/** Everything is durable when it resolves. */
export function createFinish(places: ResultPlaces): FinishJob {
  return async (job, result) => {
    if (result.kind === 'images') return savePictures(places, job, result);
    if (result.kind === 'lora') return saveLora(places, result);
    throw new StudioError(
      'internal',
      `Job ${job.id} gave ${result.kind}, not pictures.`,
      'Report this with the details.',
    );
  };
}

async function savePictures(
  places: ResultPlaces,
  job: Job,
  result: Extract<EngineResult, { kind: 'images' }>,
): Promise<Outcome> {
  const { request } = job;
  if (request.kind === 'train-lora')
    throw new StudioError('internal', 'A training gave pictures.', 'Report this.');
  for (const [batchIndex, image] of result.images.entries()) {
    const pixels = pixelsOf(image.data, image.width, image.height, image.channels);
    const seed = result.seeds[batchIndex] ?? '';
    await places.history.save({
      ...{ pixels, request, seed, batchIndex, jobId: job.id },
      ...(result.graph && { graph: result.graph }),
    });
  }
  for (const { field, ref } of modelsOf(request)) {
    const path = resolveModel(places.db, ref, undefined, field)?.path;
    if (path !== undefined) countUse(places.db, path, places.now());
  }
  return { notes: result.notes, steps: unitsOf(request) };
}

/** The training folder keeps its file for going on; the library gets a copy. */
async function saveLora(
  places: ResultPlaces,
  result: Extract<EngineResult, { kind: 'lora' }>,
): Promise<Outcome> {
  const target = await takeIn(result.path, 'copy', 'lora', places.models);
  const card = await places.library.cardOfNew(target);
  const notes = [`Trained ${result.steps} steps; final loss ${result.finalLoss.toFixed(4)}.`];
  return { notes, steps: result.steps, modelId: card.id };
}
