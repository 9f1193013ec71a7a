/** The noise levels of KSampler and KSamplerAdvanced. */
import type { SamplerName, ScheduleName } from '../../../preload/request.ts';
import { SAMPLERS } from '../../pipeline/samplers/registry.ts';
import type { SamplerEntry } from '../../pipeline/samplers/sampler.ts';
import { type ModelSigmas, modelSigmas } from '../../pipeline/sigmas/modelSigmas.ts';
import { SCHEDULES } from '../../pipeline/sigmas/schedules.ts';
import { planSigmas } from '../../pipeline/sigmas/stepRules.ts';

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

export const SIGMAS: ModelSigmas = modelSigmas();

export function samplerOf({ sampler }: StepOptions): SamplerEntry {
  return SAMPLERS[sampler];
}

/** First to last; fewer than two where there is nothing to do. */
export function noiseLevels(options: StepOptions): Float32Array<ArrayBuffer> {
  const { steps, denoisingStrength, startStep, endStep } = options;
  const sampler = samplerOf(options);
  const all = planSigmas(SIGMAS, {
    sampler,
    schedule: SCHEDULES[options.schedule],
    steps,
    denoisingStrength,
    stepRule: 'comfy',
  });
  if (options.endsAtSmallestSigma && sampler.keepsSmallestSigma) all[all.length - 1] = SIGMAS.sigmaMin;
  const kept = endStep < all.length - 1 ? all.slice(0, endStep + 1) : all;
  if (kept.length < all.length && !options.leftoverNoise) kept[kept.length - 1] = 0;
  return startStep < kept.length - 1 ? kept.slice(startStep) : new Float32Array(0);
}
