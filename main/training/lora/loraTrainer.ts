/** The LoRA training loop: draw a batch, predict, compare, step; logged, saved, resumable. */
import { rmSync } from 'node:fs';
import { type LoraTrainingRequest, loraTrainingRequestSchema } from '../../../preload/training.ts';
import { learningRateAt } from '../learningRate.ts';
import { type LossLog, openLossLog, readLossLog } from '../lossLog.ts';
import { clipFactor } from '../optimizer.ts';
import type { StepResult } from '../session.ts';
import type { BaseModel } from './baseModel.ts';
import { encodeCaptions } from './captions.ts';
import { loadPictures } from './dataset.ts';
import { type BatchSource, drawBatch } from './noising.ts';
import { changesSomething, writeLora } from './outputFile.ts';
import { type Plan, planBatches } from './plan.ts';
import { forgetRun, openRun, type Run, type RunPlaces, runPlaces } from './run.ts';
import { type StepGraphs, stepGraphs } from './steps.ts';
import { TrainingError } from './trainingError.ts';

export interface LoraEvents {
  /** Pictures encoded or steps taken, of how many; the loss of the step. */
  readonly onProgress?: (stage: 'encode' | 'train', done: number, total: number, loss?: number) => void;
  /** Called every `sampleEvery` steps with the LoRA as it is, a file that is gone afterwards; may paint with it. */
  readonly onSample?: (step: number, loraPath: string) => Promise<void>;
  /** Aborting saves the run and rejects with the signal's reason; the same request goes on later. */
  readonly signal?: AbortSignal;
}

export interface LoraResult {
  readonly path: string;
  /** Mean over the last steps. */
  readonly finalLoss: number;
  readonly steps: number;
}

/** The norm to which gradients are clipped, as kohya's trainer does by default. */
const MAX_NORM = 1;
/** Steps whose mean is the final loss. */
const FINAL_STEPS = 20;
/** A step of a full-size model takes many seconds: no more than so much work, in milliseconds, is lost with the power. */
const SAVE_AFTER = 60_000;

/**
 * Trains a LoRA to its end, beginning where the request's folder says an earlier run stopped.
 * Throws ZodError for a wrong request, WeightsError and PictureError for files, TrainingError when the run cannot go on.
 */
export async function trainLora(
  untrusted: LoraTrainingRequest,
  model: BaseModel,
  events: LoraEvents = {},
): Promise<LoraResult> {
  const request = loraTrainingRequestSchema.parse(untrusted);
  const places = runPlaces(request);
  const source = await encodeAll(request, model, places, events);
  const plan = planBatches(
    source.pictures.map(({ bucket }) => bucket),
    request,
  );
  const graphs = stepGraphs(request, model, plan.buckets[0]!.bucket);
  const run = openRun(request, graphs.shapes, places);
  graphs.bind(run.parameters, run.optimizer);
  const log = openLossLog(places.losses, run.optimizer.step);
  let saved = performance.now();
  try {
    while (run.optimizer.step < request.steps) {
      if (events.signal?.aborted) await run.save();
      events.signal?.throwIfAborted();
      const loss = await takeStep(request, { graphs, run, source, plan, log });
      const { step } = run.optimizer;
      events.onProgress?.('train', step, request.steps, loss);
      if (step % request.saveEvery === 0 || performance.now() - saved > SAVE_AFTER) {
        await run.save();
        saved = performance.now();
      }
      if (request.sampleEvery > 0 && step % request.sampleEvery === 0 && events.onSample) {
        const path = places.sampleLora(step);
        await writeLora(path, run.parameters, request, factsOf(source, plan, run));
        await events.onSample(step, path);
        rmSync(path, { force: true });
      }
    }
  } finally {
    await graphs.close();
  }
  return finish(request, places, run, factsOf(source, plan, run));
}

async function encodeAll(
  request: LoraTrainingRequest,
  model: BaseModel,
  { latents }: RunPlaces,
  { onProgress, signal }: LoraEvents,
): Promise<BatchSource> {
  const total = request.pictures.length;
  const pictures = await loadPictures(request, model, latents, {
    onPicture: (done) => onProgress?.('encode', done, total),
    ...(signal && { signal }),
  });
  const trainsText = request.targets.includes('text-encoder');
  const texts = trainsText ? [] : pictures.map(({ caption }) => caption);
  const captions = await encodeCaptions(model, texts, signal);
  await model.release();
  return { request, model, pictures, captions, trainsText };
}

interface Training {
  readonly graphs: StepGraphs;
  readonly run: Run;
  readonly source: BatchSource;
  readonly plan: Plan;
  readonly log: LossLog;
}

/** One optimiser step; returns its loss. */
async function takeStep(
  request: LoraTrainingRequest,
  { graphs, run, source, plan, log }: Training,
): Promise<number> {
  const begun = performance.now();
  const { step } = run.optimizer;
  const planned = plan.batchAt(step);
  const result = await graphs.step(planned.bucket, drawBatch(source, planned, step));
  rejectNaN(result, step);
  const { learningRate: peak, steps, warmupSteps, schedule: curve, weightDecay } = request;
  const learningRate = learningRateAt({ peak, steps, warmupSteps, curve }, step);
  await graphs.update({
    learningRate,
    weightDecay,
    gradientScale: clipFactor(result.gradientNorm, MAX_NORM),
  });
  run.seconds += (performance.now() - begun) / 1000;
  const loss = result.losses['loss']!;
  log.append({
    step: step + 1,
    loss,
    learningRate,
    seconds: run.seconds,
    figures: { gradientNorm: result.gradientNorm },
  });
  return loss;
}

/** The last saved state is from before the numbers broke, so it is left as it is. */
function rejectNaN({ losses, gradientNorm }: StepResult, step: number): void {
  if (Number.isFinite(losses['loss']) && Number.isFinite(gradientNorm)) return;
  throw new TrainingError(
    `step ${step + 1}: the ${Number.isFinite(losses['loss']) ? 'gradient' : 'loss'} is not a number any more; use a lower learning rate, or check the checkpoint with "emulsion inspect --deep"`,
  );
}

function factsOf({ model, pictures }: BatchSource, plan: Plan, run: Run): Parameters<typeof writeLora>[3] {
  return {
    model,
    pictures,
    plan,
    steps: run.optimizer.step,
    startedAt: run.startedAt,
    finishedAt: new Date(),
  };
}

async function finish(
  request: LoraTrainingRequest,
  places: RunPlaces,
  { parameters, optimizer }: Run,
  facts: Parameters<typeof writeLora>[3],
): Promise<LoraResult> {
  if (!changesSomething(parameters))
    throw new TrainingError(
      `"${request.name}" changes nothing after ${optimizer.step} steps; use more steps or a higher learning rate`,
    );
  await writeLora(places.lora, parameters, request, facts);
  const last = readLossLog(places.losses).slice(-FINAL_STEPS);
  forgetRun(places);
  const finalLoss = last.reduce((sum, { loss }) => sum + loss, 0) / last.length;
  return { path: places.lora, finalLoss, steps: optimizer.step };
}
