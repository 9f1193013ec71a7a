/** One process's optimiser step: clip by the global norm, AdamW, moving average. */
import { adamWStep, clipFactor, createAdamW, globalNorm, updateAverage } from '../../optimizer.ts';
import { copyParameters, type Gradients, type ParameterSet } from '../../parameters.ts';
import type { TrainingState } from '../../trainingState.ts';
import type { LoopModel } from './loop.ts';

export interface UpdateSettings {
  /** Default 0.01. */
  readonly weightDecay?: number;
  /** Gradients longer than this are shortened to it; default 1. */
  readonly maxNorm?: number;
  /** Decay of the moving average; none is kept when absent. */
  readonly averageDecay?: number;
}

/** State and update for parameters whose gradients lie in `gradients` after every loss. */
export function optimised(
  parameters: ParameterSet,
  gradients: Gradients,
  { weightDecay = 0.01, maxNorm = 1, averageDecay }: UpdateSettings = {},
): Pick<LoopModel, 'state' | 'update'> {
  const average = averageDecay === undefined ? undefined : copyParameters(parameters);
  const optimizer = createAdamW(parameters.shapes);
  const state: TrainingState = { parameters, optimizer, ...(average && { average }) };
  const update = async (learningRate: number, step: number): Promise<number> => {
    const norm = globalNorm(gradients);
    const settings = { learningRate, weightDecay, gradientScale: clipFactor(norm, maxNorm) };
    adamWStep(parameters, gradients, optimizer, settings);
    if (average) updateAverage(average, parameters, warmDecay(averageDecay!, step));
    return norm;
  };
  return { state, update };
}

/** A young average follows faster, so that it forgets the first weights (as torch-ema does). */
export function warmDecay(decay: number, step: number): number {
  return Math.min(decay, (1 + step) / (10 + step));
}
