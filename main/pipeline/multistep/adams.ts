/** Linear multistep methods (Adams–Bashforth): the slopes of earlier steps are reused, one evaluation a step. */
import { exponentialAdamsWeights } from '../numerics/exponentialAdams.ts';
import { gaussIntegral, lagrange } from '../numerics/polynomials.ts';
import { type Sampler, walk } from '../samplers/sampler.ts';
import { slope, type Term, weightedSum } from '../samplers/updates.ts';
import type { Tensor } from '../tensor.ts';

/** Weights of the last `order` slopes, the newest first, for the step that leaves sigmas[step]. */
type SlopeWeights = (sigmas: Float32Array, step: number, order: number) => readonly number[];

interface MultistepConfig {
  /** Most slopes a step uses. */
  readonly order: number;
  /** Whether a step to sigma 0 goes straight to denoised; otherwise it is integrated like any other. */
  readonly endsDenoised: boolean;
  /** Lowers the order near the end; `stepsLeft` is 1 for the last step. */
  readonly orderLimit?: ((stepsLeft: number) => number) | undefined;
}

/** x + Σ weight·slope over the last slopes. */
function multistep(weightsOf: SlopeWeights, config: MultistepConfig): Sampler {
  return (denoise, start, sigmas, options) => {
    const order = Math.min(options.order ?? config.order, config.order);
    const slopes: Tensor[] = []; // newest first
    return walk(denoise, start, sigmas, options, ({ step, x, sigma, sigmaNext, denoised }) => {
      if (sigmaNext === 0 && config.endsDenoised) return denoised;
      slopes.unshift(slope(x, sigma, denoised));
      slopes.length = Math.min(slopes.length, order);
      const used = slopes.slice(0, config.orderLimit?.(sigmas.length - 1 - step));
      const weights = weightsOf(sigmas, step, used.length);
      return weightedSum([1, x], ...used.map((d, i): Term => [weights[i]!, d]));
    });
  };
}

const LMS_ORDER = 4;

/** Katherine Crowson's LMS as ComfyUI runs it: the Lagrange polynomial through the last slopes, integrated over the step. */
export const lms: Sampler = multistep(lmsWeights, { order: LMS_ORDER, endsDenoised: true });

/**
 * LMS as k-diffusion and diffusers run it: integrated down to sigma 0 as well. `skipped` are the sigmas of the schedule
 * before the first one walked; diffusers' image-to-image counts them as steps taken, whose slopes are then missing.
 */
export function lmsToZero(skipped: Float32Array = new Float32Array(0)): Sampler {
  return multistep(
    (sigmas, step) => {
      const all = Float32Array.of(...skipped, ...sigmas);
      const at = skipped.length + step;
      return lmsWeights(all, at, Math.min(at + 1, LMS_ORDER));
    },
    { order: LMS_ORDER, endsDenoised: false },
  );
}

function lmsWeights(sigmas: Float32Array, step: number, order: number): number[] {
  const nodes = lastNodes(sigmas, step, order);
  return nodes.map((_, i) => gaussIntegral((t) => lagrange(nodes, i, t), sigmas[step]!, sigmas[step + 1]!));
}

/** Adams–Bashforth weights for equal steps, as PNDM uses them (Liu et al. 2022, eq. 9). */
export const EQUAL_STEP_WEIGHTS = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
] as const;

/** Improved PNDM (Zhang & Chen 2023, DEIS, §3.3): PNDM's weights without its Runge–Kutta start. */
export const ipndm: Sampler = multistep(
  (sigmas, step, order) => {
    const h = sigmas[step + 1]! - sigmas[step]!;
    return EQUAL_STEP_WEIGHTS[order - 1]!.map((weight) => h * weight);
  },
  { order: 4, endsDenoised: true },
);

/**
 * iPNDM for unequal steps (zju-pi, diff-sampler). `second` and `third` weigh the backward differences of the slopes;
 * they and the last weight are as the reference has them, which is not quite the Adams–Bashforth integral.
 */
export const ipndmVariable: Sampler = multistep(
  (sigmas, step, order) => {
    const stepBefore = (k: number): number => sigmas[step + 1 - k]! - sigmas[step - k]!;
    const [h, h1, h2, h3] = [stepBefore(0), stepBefore(1), stepBefore(2), stepBefore(3)];
    if (order === 1) return [h];
    const first = h / h1 / 2;
    if (order === 2) return [h * (1 + first), -h * first];
    const second = (1 - ((h / (3 * (h + h1))) * (h * (h + h1))) / (h1 * (h1 + h2))) / 2;
    const ratio = h1 / h2;
    if (order === 3)
      return [h * (1 + first + second), -h * (first + (1 + ratio) * second), h * second * ratio];
    const third =
      (((1 - h / (3 * (h + h1))) / 2 + ((1 - h / (2 * (h + h1))) * h) / (6 * (h + h1 + h2))) *
        (h * (h + h1) * (h + h1 + h2))) /
      (h1 * (h1 + h2) * (h1 + h2 + h3));
    const spread = (h1 * (h1 + h2)) / (h2 * (h2 + h3));
    return [
      h * (1 + first + second + third),
      -h * (first + (1 + ratio) * second + (1 + ratio + spread) * third),
      h * (second * ratio + (ratio + spread * (1 + h2 / h3)) * third),
      -h * third * spread * ratio,
    ];
  },
  { order: 4, endsDenoised: true },
);

/** Noise range and smallest time of the continuous VP process whose time DEIS is tabulated in (EDM's defaults). */
const VP_SIGMA_MIN = 0.002;
const VP_SIGMA_MAX = 80;
const VP_TIME_MIN = 1e-3;
const LOG_VARIANCE_MIN = Math.log(VP_SIGMA_MIN ** 2 + 1);
const LOG_VARIANCE_MAX = Math.log(VP_SIGMA_MAX ** 2 + 1);
const BETA_SLOPE = (2 * (LOG_VARIANCE_MIN / VP_TIME_MIN - LOG_VARIANCE_MAX)) / (VP_TIME_MIN - 1);
const BETA_MIN = LOG_VARIANCE_MAX - 0.5 * BETA_SLOPE;
/** Points of the reference's Riemann sum, whose small error is part of its pictures. */
const RIEMANN_POINTS = 10_000;

/** DEIS with tabulated coefficients (Zhang & Chen 2023, tAB-DEIS, eq. 15): Lagrange interpolation in VP time. */
export const deis: Sampler = multistep(
  (sigmas, step, order) => {
    if (order === 1) return [sigmas[step + 1]! - sigmas[step]!];
    const nodes = lastNodes(sigmas, step, order).map(vpTime);
    const from = nodes[0]!;
    const to = vpTime(sigmas[step + 1]!);
    const weights = new Float64Array(order);
    for (let k = 0; k < RIEMANN_POINTS; k++) {
      const time = from + ((to - from) * k) / (RIEMANN_POINTS - 1);
      const speed = sigmaSpeed(time);
      for (let i = 0; i < order; i++) weights[i]! += speed * lagrange(nodes, i, time);
    }
    return Array.from(weights, (sum) => (sum * (to - from)) / RIEMANN_POINTS);
  },
  { order: 3, endsDenoised: true },
);

/** DEIS in log sigma (Zhang & Chen 2023, ρAB-DEIS, as diffusers' `logrho`): the polynomial runs in log σ, order 1–3. */
export function deisLogRho(order: 1 | 2 | 3, orderLimit?: (stepsLeft: number) => number): Sampler {
  return multistep(
    (sigmas, step, used) => {
      const nodes = lastNodes(sigmas, step, used).map((sigma) => -Math.log(sigma));
      const sigmaNext = sigmas[step + 1]!;
      const shares = exponentialAdamsWeights(nodes, nodes[0]!, -Math.log(sigmaNext), -1);
      return shares.map((share) => sigmaNext * share);
    },
    { order, endsDenoised: true, orderLimit },
  );
}

/** VP time of a sigma: the solution of sigma² + 1 = exp(½·slope·t² + betaMin·t). */
function vpTime(sigma: number): number {
  return (Math.sqrt(BETA_MIN ** 2 + 2 * BETA_SLOPE * Math.log(sigma ** 2 + 1)) - BETA_MIN) / BETA_SLOPE;
}

/** dσ/dt divided by √(1 + σ²): how much noise the variance-preserving process adds per time. */
function sigmaSpeed(time: number): number {
  const alpha = Math.exp(-0.5 * time ** 2 * BETA_SLOPE - time * BETA_MIN);
  return (0.5 * (time * BETA_SLOPE + BETA_MIN)) / Math.sqrt(alpha * (1 - alpha));
}

function lastNodes(sigmas: Float32Array, step: number, order: number): number[] {
  return Array.from({ length: order }, (_, i) => sigmas[step - i]!);
}
