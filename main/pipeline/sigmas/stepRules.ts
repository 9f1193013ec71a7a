/** How denoising strength shortens a schedule: each program's own rule for where on the way image-to-image begins. */
import type { ModelSigmas } from './modelSigmas.ts';
import type { Schedule } from './schedules.ts';

/**
 * `comfy`: runs `steps` steps, the last ones of steps/strength.
 * `diffusers`: runs the last steps × strength of `steps`. `a1111`: as diffusers, with one step more.
 */
export type StepRule = 'comfy' | 'diffusers' | 'a1111';

export interface SigmaPlan {
  readonly schedule: Schedule;
  readonly steps: number;
  /** 0–1; 0 leaves no steps. */
  readonly denoisingStrength: number;
  readonly stepRule: StepRule;
  /** dpm_2* and uni_pc* take a step more and leave the last sigma before 0 out, which would be wasted on them. */
  readonly discardsPenultimate: boolean;
}

/** From here on ComfyUI counts the strength as 1. */
const FULL_STRENGTH = 0.9999;
/** A1111 never starts before the first step, whatever the strength. */
const LARGEST_A1111_STRENGTH = 0.999;

/** The sigmas a sampler walks, first to last. Fewer than two mean that nothing is to be done. */
export function planSigmas(model: ModelSigmas, plan: SigmaPlan): Float32Array<ArrayBuffer> {
  const { steps, denoisingStrength: strength, stepRule } = plan;
  if (strength <= 0) return new Float32Array(0);
  switch (stepRule) {
    case 'comfy': {
      if (strength > FULL_STRENGTH) return fullSigmas(model, plan, steps);
      return fullSigmas(model, plan, Math.trunc(steps / strength)).slice(-(steps + 1));
    }
    case 'diffusers':
      return fullSigmas(model, plan, steps).slice(diffusersStartStep(steps, strength));
    case 'a1111': {
      const encoded = Math.trunc(Math.min(strength, LARGEST_A1111_STRENGTH) * steps);
      return fullSigmas(model, plan, steps).slice(steps - encoded - 1);
    }
  }
}

/** Index of the first of `steps` steps that diffusers' image-to-image runs. */
export function diffusersStartStep(steps: number, strength: number): number {
  return steps - Math.min(Math.trunc(steps * strength), steps);
}

function fullSigmas(
  model: ModelSigmas,
  { schedule, discardsPenultimate }: SigmaPlan,
  steps: number,
): Float32Array<ArrayBuffer> {
  if (!discardsPenultimate) return schedule(model, steps);
  const sigmas = schedule(model, steps + 1);
  return Float32Array.of(...sigmas.subarray(0, -2), sigmas.at(-1)!);
}
