/** The training noise schedule of diffusion models in alpha space: betas, cumulative alphas, zero-SNR rescaling. */

import type { CheckpointConfig } from '../../../native-models/models/configs.ts';
import { linspace } from '../numerics/polynomials.ts';

export type BetaSchedule = 'scaled_linear' | 'linear' | 'squaredcos_cap_v2';

export interface BetaOptions {
  readonly schedule?: BetaSchedule;
  /** First and last beta; ignored by squaredcos_cap_v2. */
  readonly start?: number;
  readonly end?: number;
  readonly count?: number;
}

const MAX_COSINE_BETA = 0.999;
/** What ComfyUI leaves of ᾱ where training left nothing: its sigma, 4519, can still be walked from. */
const LEAST_ALPHA = 4.8973451890853435e-8;

/** ᾱ per timestep of a Stable Diffusion checkpoint, as it was trained. */
export function trainedAlphas({
  zeroTerminalSnr,
}: Pick<CheckpointConfig, 'zeroTerminalSnr'>): Float64Array<ArrayBuffer> {
  const alphas = cumulativeAlphas(betas());
  return zeroTerminalSnr ? rescaledToZeroSnr(alphas).with(-1, LEAST_ALPHA) : alphas;
}

/** β per training timestep. The defaults are those of every Stable Diffusion: scaled_linear, 0.00085 → 0.012, 1000. */
export function betas(options: BetaOptions = {}): Float64Array<ArrayBuffer> {
  const { schedule = 'scaled_linear', start = 0.00085, end = 0.012, count = 1000 } = options;
  if (schedule === 'linear') return linspace(start, end, count);
  if (schedule === 'squaredcos_cap_v2') return cosineBetas(count);
  return linspace(Math.sqrt(start), Math.sqrt(end), count).map((root) => root ** 2);
}

/** ᾱ per timestep: the running product of 1 - β (Ho et al. 2020, DDPM, eq. 4). */
export function cumulativeAlphas(betaValues: Float64Array): Float64Array<ArrayBuffer> {
  let product = 1;
  return new Float64Array(betaValues.length).map((_, i) => {
    product *= 1 - betaValues[i]!;
    return product;
  });
}

/** Lin et al. 2024, Algorithm 1: shifts and scales √ᾱ so that the last timestep has no signal left. */
export function rescaledToZeroSnr(alphas: Float64Array): Float64Array<ArrayBuffer> {
  const first = Math.sqrt(alphas[0]!);
  const last = Math.sqrt(alphas.at(-1)!);
  return new Float64Array(alphas.length).map((_, i) => {
    const root = ((Math.sqrt(alphas[i]!) - last) * first) / (first - last);
    return root ** 2;
  });
}

/** Nichol & Dhariwal 2021, eq. 17. */
function cosineBetas(count: number): Float64Array<ArrayBuffer> {
  const alphaAt = (time: number): number => Math.cos((((time + 0.008) / 1.008) * Math.PI) / 2) ** 2;
  return new Float64Array(count).map((_, i) =>
    Math.min(1 - alphaAt((i + 1) / count) / alphaAt(i / count), MAX_COSINE_BETA),
  );
}
