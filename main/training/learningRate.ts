/** Learning-rate curves: how fast to learn at which step. */

export const CURVES = ['constant', 'linear', 'cosine', 'constant-then-linear'] as const;
export type Curve = (typeof CURVES)[number];

export interface LearningRateSettings {
  /** The rate after the warm-up. */
  readonly peak: number;
  /** Optimiser steps in the whole run. */
  readonly steps: number;
  readonly curve: Curve;
  /** Steps of linear rise from peak / warmupSteps; default 0. */
  readonly warmupSteps?: number;
  /** What the rate ends at, as a fraction of the peak; default 0. */
  readonly floor?: number;
  /** Share of the run that decays, for 'constant-then-linear'; default 0.35. */
  readonly decayShare?: number;
}

/**
 * The rate of optimiser step `step`, counted from 0. The warm-up is (step + 1) / warmupSteps, so that the first step
 * learns already (kohya starts it at 0). Cosine: SGDR (Loshchilov & Hutter 2017), eq. 5 without restarts.
 */
export function learningRateAt(settings: LearningRateSettings, step: number): number {
  const { peak, steps, warmupSteps = 0, floor = 0 } = settings;
  if (step < warmupSteps) return (peak * (step + 1)) / warmupSteps;
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, steps - warmupSteps));
  return peak * (floor + (1 - floor) * SHAPES[settings.curve](progress, settings));
}

/** Progress after the warm-up (0–1) → fraction of the way from floor to peak. */
const SHAPES: Record<Curve, (progress: number, settings: LearningRateSettings) => number> = {
  constant: () => 1,
  linear: (progress) => 1 - progress,
  cosine: (progress) => (1 + Math.cos(Math.PI * progress)) / 2,
  'constant-then-linear': (progress, { decayShare = 0.35 }) => Math.min(1, (1 - progress) / decayShare),
};
