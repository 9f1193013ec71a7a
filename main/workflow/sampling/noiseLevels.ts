/** The noise levels of KSampler and KSamplerAdvanced. */
import { hasZeroTerminalSnr } from '../../../native-models/inspect/prediction.ts';
import { openWeights } from '../../../native-models/weights/open.ts';
import type { SamplerName, ScheduleName } from '../../../preload/request.ts';
import { SAMPLERS } from '../../pipeline/samplers/registry.ts';
import type { SamplerEntry } from '../../pipeline/samplers/sampler.ts';
import { checkpointSigmas, type ModelSigmas } from '../../pipeline/sigmas/modelSigmas.ts';
import { SCHEDULES } from '../../pipeline/sigmas/schedules.ts';
import { planSigmas } from '../../pipeline/sigmas/stepRules.ts';
import type { ModelValue } from '../parts/sockets.ts';

export interface StepOptions {
  readonly sampler: SamplerName;
  readonly schedule: ScheduleName;
  readonly steps: number;
  /** Runs the last `steps` of steps/denoisingStrength. */
  readonly denoisingStrength: number;
  /** Part of the steps to run. */
  readonly startStep: number;
  readonly endStep: number;
  /** Stop with the noise that is left at `endStep` instead of removing it in the last step. */
  readonly leftoverNoise: boolean;
  /** In diffusers some samplers end at the smallest sigma instead of 0. */
  readonly endsAtSmallestSigma: boolean;
}

/** Of the one table of samplers. */
export function samplerOf({ sampler }: StepOptions): SamplerEntry {
  return SAMPLERS[sampler];
}

/** The sigmas a model was trained on, from its header alone: it is opened only after the text encoders have been asked. */
export function trainedSigmas({ checkpoint }: ModelValue): ModelSigmas {
  return checkpointSigmas({ zeroTerminalSnr: hasZeroTerminalSnr(openWeights(checkpoint)) });
}

/** First to last, on a model of the given sigmas; fewer than two where there is nothing to do. */
export function noiseLevels(options: StepOptions, trained: ModelSigmas): Float32Array<ArrayBuffer> {
  const { steps, denoisingStrength, startStep, endStep } = options;
  const sampler = samplerOf(options);
  const all = planSigmas(trained, {
    sampler,
    schedule: SCHEDULES[options.schedule],
    steps,
    denoisingStrength,
    stepRule: 'comfy',
  });
  if (options.endsAtSmallestSigma && sampler.keepsSmallestSigma) all[all.length - 1] = trained.sigmaMin;
  const kept = endStep < all.length - 1 ? all.slice(0, endStep + 1) : all;
  if (kept.length < all.length && !options.leftoverNoise) kept[kept.length - 1] = 0;
  return startStep < kept.length - 1 ? kept.slice(startStep) : new Float32Array(0);
}
