/** Noise levels of a discrete diffusion model: sigma = √((1 - ᾱ)/ᾱ) of its timesteps, and the way between the two. */
import type { CheckpointConfig } from '../../../native-models/models/configs.ts';
import { trainedAlphas } from './alphas.ts';

export interface ModelSigmas {
  /** Ascending, one per training timestep. */
  readonly sigmas: Float32Array<ArrayBuffer>;
  readonly sigmaMin: number;
  readonly sigmaMax: number;
  /** The whole timestep whose log sigma is nearest: what the network is told. */
  timestepOf(sigma: number): number;
  /** Sigma of a timestep that may be fractional, log-linear between its neighbours, clamped to the trained range. */
  sigmaOf(timestep: number): number;
  /** Sigma after a fraction of the way from noise (0 → infinity) to picture (1 → 0). */
  sigmaAtFraction(fraction: number): number;
}

/** Sigmas are computed rounding where torch rounds, so that they agree to the last bit. */
const single = Math.fround;
/** Larger than any sigma a schedule can hold. */
const BEYOND_ALL_NOISE = 999_999_999.9;

/** Sigmas of Stable Diffusion, or of other cumulative alphas (descending, within 0–1). */
export function modelSigmas(alphas: Float64Array = trainedAlphas({ zeroTerminalSnr: false })): ModelSigmas {
  const sigmas = Float32Array.from(alphas, (alpha) => Math.sqrt((1 - alpha) / alpha));
  const logSigmas = Float32Array.from(alphas, (alpha) => 0.5 * Math.log((1 - alpha) / alpha));
  const last = sigmas.length - 1;
  const sigmaOf = (timestep: number): number => {
    const clamped = single(Math.min(last, Math.max(0, timestep)));
    const low = Math.floor(clamped);
    const weight = single(clamped - low);
    const fromLow = single(single(1 - weight) * logSigmas[low]!);
    return single(Math.exp(single(fromLow + single(weight * logSigmas[Math.ceil(clamped)]!))));
  };
  return {
    sigmas,
    sigmaMin: sigmas[0]!,
    sigmaMax: sigmas[last]!,
    timestepOf: (sigma) => nearest(logSigmas, Math.fround(Math.log(sigma))),
    sigmaOf,
    sigmaAtFraction: (fraction) => {
      if (fraction <= 0) return BEYOND_ALL_NOISE;
      return fraction >= 1 ? 0 : sigmaOf((1 - fraction) * last);
    },
  };
}

const ORDINARY = modelSigmas();
const TO_PURE_NOISE = modelSigmas(trainedAlphas({ zeroTerminalSnr: true }));

/** The sigmas that a checkpoint was trained on. */
export function checkpointSigmas({
  zeroTerminalSnr,
}: Pick<CheckpointConfig, 'zeroTerminalSnr'>): ModelSigmas {
  return zeroTerminalSnr ? TO_PURE_NOISE : ORDINARY;
}

/**
 * Index of the value nearest to `target` in ascending `values`; the lower one of a tie. Distances are rounded to float32
 * as in torch: schedules hit the middle between two timesteps exactly (sgm_uniform at 499.5), and there rounding decides.
 */
function nearest(values: Float32Array, target: number): number {
  let low = 0;
  let high = values.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (values[middle]! <= target) low = middle;
    else high = middle;
  }
  return Math.fround(target - values[low]!) <= Math.fround(values[high]! - target) ? low : high;
}
