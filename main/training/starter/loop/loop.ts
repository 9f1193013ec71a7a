/** The loop all starter models share: batch, gradients, update; log and save so that a kill costs minutes. */
import { z } from 'zod';
import { type Curve, learningRateAt } from '../../learningRate.ts';
import { openLossLog } from '../../lossLog.ts';
import { loadTrainingState, saveTrainingState, type TrainingState } from '../../trainingState.ts';

/** What the command line gives every part. */
export interface TrainOptions {
  /** Folder of states and logs. */
  readonly folder: string;
  readonly threads?: number;
  /** Wall-clock budget of this part. */
  readonly seconds?: number;
}

export interface LoopPlan {
  /** Where state (.state.safetensors) and log (.jsonl) lie, without ending. */
  readonly path: string;
  readonly steps: number;
  /** Wall-clock budget: the learning rate's curve ends when steps or seconds run out, whichever comes first. */
  readonly seconds?: number;
  readonly peak: number;
  readonly curve: Curve;
  readonly warmupSteps: number;
  /** Seconds between saves; default 150. */
  readonly saveEvery?: number;
}

export interface LoopModel {
  /** Filled from the saved state before the first step. */
  readonly state: TrainingState;
  /** Loss of batch number `step`; its gradients are kept for `update`. */
  readonly lossOf: (step: number) => Promise<number>;
  /** One optimiser step; returns the norm the gradients had. */
  readonly update: (learningRate: number, step: number) => Promise<number>;
  /** Called after every save: samples, scores. Its time is not training time. */
  readonly onSave?: (progress: LoopProgress) => Promise<void>;
}

const progressSchema = z.object({
  step: z.int(),
  /** Seconds of training since the first start, pauses left out. */
  seconds: z.number(),
  done: z.boolean(),
});
export type LoopProgress = Readonly<z.infer<typeof progressSchema>>;

/** Steps between two lines of the log, and between two lines on the screen. */
const LOG_EVERY = 20;
const PRINT_EVERY = 200;

/** Trains until the plan is fulfilled, from the saved state where there is one. Throws when the loss is not a number. */
export async function trainLoop(model: LoopModel, plan: LoopPlan): Promise<LoopProgress> {
  const file = `${plan.path}.state.safetensors`;
  const saved = loadTrainingState(file, model.state, progressSchema);
  // A finished run goes on when its plan was made longer.
  let progress = saved ? { ...saved, done: share(plan, saved) >= 1 } : { step: 0, seconds: 0, done: false };
  const log = openLossLog(`${plan.path}.jsonl`, progress.step);
  let losses: number[] = [];
  let lastSave = performance.now();
  while (!progress.done) {
    const started = performance.now();
    const learningRate = rateAt(plan, progress);
    const loss = await model.lossOf(progress.step);
    if (!Number.isFinite(loss))
      throw new Error(`${plan.path}: the loss became ${loss} at step ${progress.step}`);
    const norm = await model.update(learningRate, progress.step);
    progress = advanced(plan, progress, (performance.now() - started) / 1000);
    losses.push(loss);
    const { step, seconds, done } = progress;
    if (step % LOG_EVERY === 0 || done) {
      log.append({ step, loss: mean(losses), learningRate, seconds, figures: { norm } });
      if (step % PRINT_EVERY === 0) print(plan, progress, mean(losses), learningRate);
      losses = [];
    }
    if (done || performance.now() - lastSave > 1000 * (plan.saveEvery ?? 150)) {
      await saveTrainingState(file, model.state, progress);
      await model.onSave?.(progress);
      lastSave = performance.now();
    }
  }
  return progress;
}

function advanced(plan: LoopPlan, { step, seconds }: LoopProgress, took: number): LoopProgress {
  const next = { step: step + 1, seconds: seconds + took };
  return { ...next, done: share(plan, next) >= 1 };
}

type Position = Pick<LoopProgress, 'step' | 'seconds'>;

/** How much of the plan is done, 0–1. */
function share(
  { steps, seconds: budget = Number.POSITIVE_INFINITY }: LoopPlan,
  { step, seconds }: Position,
): number {
  return Math.max(step / steps, seconds / budget);
}

/** The curve over what is done (in steps or in time), times the warm-up over steps. */
function rateAt(plan: LoopPlan, position: Position): number {
  const fine = 1e6;
  const curve = { peak: plan.peak, steps: fine, curve: plan.curve };
  const rate = learningRateAt(curve, Math.min(1, share(plan, position)) * fine);
  return rate * Math.min(1, (position.step + 1) / plan.warmupSteps);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function print(plan: LoopPlan, position: Position, loss: number, rate: number): void {
  const { step, seconds } = position;
  const percent = (100 * share(plan, position)).toFixed(0);
  const time = new Date().toISOString().slice(11, 19);
  const name = plan.path.split('/').at(-1);
  console.log(
    `${time} ${name} step ${step} (${percent} %) loss ${loss.toFixed(4)} rate ${rate.toExponential(2)} ${(seconds / step).toFixed(3)} s/step`,
  );
}
