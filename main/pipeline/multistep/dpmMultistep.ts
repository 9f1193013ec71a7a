/** Multistep exponential integrators in half-log-SNR λ = -log σ: the DPM-Solver and DPM-Solver++ family, ODE and SDE. */
import type { Sampler } from '../samplers/sampler.ts';
import { walk } from '../samplers/sampler.ts';
import { slope, type Term, weightedSum, withNoise } from '../samplers/updates.ts';
import type { Tensor } from '../tensor.ts';

export interface DpmMultistepConfig {
  /** Highest number of past predictions that a step uses. */
  readonly order: 1 | 2 | 3;
  /** DPM-Solver++ extrapolates denoised, DPM-Solver eps. */
  readonly extrapolates: 'denoised' | 'eps';
  /** How a second-order step weighs the difference of the last two predictions. */
  readonly rule: 'midpoint' | 'heun';
  /** Default stochasticity: 0 = ODE, 1 = SDE. */
  readonly eta: number;
  /** Lowers the order near the end; `stepsLeft` is 1 for the last step. */
  readonly orderLimit?: (stepsLeft: number) => number;
}

/** What one step does to x, to the newest prediction, and to its first and second differences. */
interface StepWeights {
  readonly keep: number;
  readonly newest: number;
  readonly midpoint: number;
  readonly heun: number;
  readonly second: number;
  readonly noise: number;
}

interface Prediction {
  readonly value: Tensor;
  /** λ-length of the step that started here. */
  readonly h: number;
}

/** Lu et al. 2022, DPM-Solver++ (arXiv 2211.01095), Algorithm 2 and §5, and its eps counterpart of arXiv 2206.00927. */
export function dpmMultistep(config: DpmMultistepConfig): Sampler {
  return (denoise, start, sigmas, options) => {
    const past: Prediction[] = []; // newest first
    return walk(denoise, start, sigmas, options, ({ step, x, denoised, sigma, sigmaNext }) => {
      if (sigmaNext === 0) return denoised;
      const onDenoised = config.extrapolates === 'denoised';
      const h = Math.log(sigma / sigmaNext);
      const eta = options.eta ?? config.eta;
      const weights = onDenoised ? denoisedWeights(h, eta, sigmaNext) : epsWeights(h, eta, sigmaNext);
      past.unshift({ value: onDenoised ? denoised : slope(x, sigma, denoised), h });
      past.length = Math.min(past.length, options.order ?? config.order);
      const limit = config.orderLimit?.(sigmas.length - 1 - step) ?? config.order;
      const next = weightedSum(
        [weights.keep, x],
        ...predictionTerms(past.slice(0, limit), weights, config.rule),
      );
      return withNoise(next, weights.noise, sigma, sigmaNext, options);
    });
  };
}

/** e^(-h(1+η))·x + …: denoised is what the equation relaxes to. */
function denoisedWeights(h: number, eta: number, sigmaNext: number): StepWeights {
  const scaled = h * (1 + eta);
  const newest = -Math.expm1(-scaled);
  const heun = 1 - newest / scaled;
  const noise = sigmaNext * Math.sqrt(-Math.expm1(-2 * h * eta));
  return { keep: 1 - newest, newest, midpoint: newest / 2, heun, second: 0.5 - heun / scaled, noise };
}

/** x - (1+η)·σ·(e^h - 1)·eps …: eps is integrated along the way. */
function epsWeights(h: number, eta: number, sigmaNext: number): StepWeights {
  const scale = -(1 + eta) * sigmaNext;
  const newest = scale * Math.expm1(h);
  const heun = newest / h - scale;
  const noise = sigmaNext * Math.sqrt(Math.expm1(2 * h * eta));
  return { keep: 1, newest, midpoint: newest / 2, heun, second: heun / h - scale / 2, noise };
}

/** The newest prediction plus weighted differences, gathered by prediction: D₁ and D₂ of DPM-Solver-3 (eq. B.4). */
function predictionTerms(
  past: readonly Prediction[],
  weights: StepWeights,
  rule: 'midpoint' | 'heun',
): Term[] {
  const [now, last, beforeLast] = past;
  if (!last) return [[weights.newest, now!.value]];
  const r0 = last.h / now!.h;
  if (!beforeLast) {
    const first = weights[rule] / r0;
    return [
      [weights.newest + first, now!.value],
      [-first, last.value],
    ];
  }
  const r1 = beforeLast.h / now!.h;
  const curvature = (weights.heun * r0 + weights.second) / (r0 + r1);
  const newer = (weights.heun + curvature) / r0;
  const older = -curvature / r1;
  return [
    [weights.newest + newer, now!.value],
    [older - newer, last.value],
    [-older, beforeLast.value],
  ];
}

/** DPM-Solver++ (2M): Algorithm 2. */
export const dpmpp2m: Sampler = dpmMultistep({
  order: 2,
  extrapolates: 'denoised',
  rule: 'midpoint',
  eta: 0,
});

/** DPM-Solver++ (2M SDE) with the midpoint rule (k-diffusion, sample_dpmpp_2m_sde). */
export const dpmpp2mSde: Sampler = dpmMultistep({
  order: 2,
  extrapolates: 'denoised',
  rule: 'midpoint',
  eta: 1,
});

/** DPM-Solver++ (2M SDE) with Heun's rule. */
export const dpmpp2mSdeHeun: Sampler = dpmMultistep({
  order: 2,
  extrapolates: 'denoised',
  rule: 'heun',
  eta: 1,
});

/** DPM-Solver++ (3M SDE) (k-diffusion, sample_dpmpp_3m_sde). */
export const dpmpp3mSde: Sampler = dpmMultistep({ order: 3, extrapolates: 'denoised', rule: 'heun', eta: 1 });
