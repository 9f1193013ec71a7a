/** How denoising strength shortens a schedule: each program's own rule for where on the way image-to-image begins. */
import { withSecondRepeated } from '../multistep/pndm.ts';
import type { SamplerEntry } from '../samplers/sampler.ts';
import type { ModelSigmas } from './modelSigmas.ts';
import type { Schedule } from './schedules.ts';

/**
 * `comfy`: runs `steps` steps, the last ones of steps/strength.
 * `diffusers`: runs the last steps × strength of `steps`. `a1111`: as diffusers, with one step more.
 */
export type StepRule = 'comfy' | 'diffusers' | 'a1111';

export interface SigmaPlan {
  readonly sampler: SamplerEntry;
  readonly schedule: Schedule;
  readonly steps: number;
  /** 0–1; 0 leaves no steps. */
  readonly denoisingStrength: number;
  readonly stepRule: StepRule;
}

/** From here on ComfyUI counts the strength as 1. */
const FULL_STRENGTH = 0.9999;
/** A1111 never starts before the first step, whatever the strength. */
const LARGEST_A1111_STRENGTH = 0.999;

/** The sigmas the plan's sampler walks, first to last. Fewer than two mean that nothing is to be done. */
export function planSigmas(model: ModelSigmas, plan: SigmaPlan): Float32Array<ArrayBuffer> {
  const { steps, denoisingStrength: strength, sampler } = plan;
  if (strength <= 0) return new Float32Array(0);
  const visited = sampler.repeatsSecond ? withSecondRepeated : (sigmas: Float32Array<ArrayBuffer>) => sigmas;
  switch (plan.stepRule) {
    case 'comfy': {
      if (strength > FULL_STRENGTH) return visited(fullSigmas(model, plan, steps));
      return visited(fullSigmas(model, plan, Math.trunc(steps / strength)).slice(-(steps + 1)));
    }
    case 'diffusers': {
      const sigmas = fullSigmas(model, plan, steps);
      if (sampler.keepsSmallestSigma) sigmas[sigmas.length - 1] = model.sigmaMin;
      return visited(sigmas).slice(diffusersStartStep(steps, strength));
    }
    case 'a1111': {
      const encoded = Math.trunc(Math.min(strength, LARGEST_A1111_STRENGTH) * steps);
      return visited(fullSigmas(model, plan, steps).slice(steps - encoded - 1));
    }
  }
}

/** Index of the first of `steps` steps that diffusers' image-to-image runs. */
export function diffusersStartStep(steps: number, strength: number): number {
  return steps - Math.min(Math.trunc(steps * strength), steps);
}

function fullSigmas(
  model: ModelSigmas,
  { schedule, sampler }: SigmaPlan,
  steps: number,
): Float32Array<ArrayBuffer> {
  if (!sampler.discardsPenultimate) return descending(schedule(model, steps));
  const sigmas = descending(schedule(model, steps + 1));
  return Float32Array.of(...sigmas.subarray(0, -2), sigmas.at(-1)!);
}

/** Without repetitions: more steps than the model has sigmas name some twice, and a step of no length divides by it. */
function descending(sigmas: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  return sigmas.filter((sigma, i) => sigma !== sigmas[i - 1]);
}
