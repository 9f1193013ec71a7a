/** Stochastic exponential integrators in half-log-SNR λ = -log σ: DPM-Solver++ (SDE), SEEDS and ER-SDE. */
import type { Tensor } from '../tensor.ts';
import { type Sampler, walk } from './sampler.ts';
import { ancestralSplit, eulerStep, type Term, weightedSum, withNoise } from './updates.ts';

/** DPM-Solver++ (SDE) with two stages (k-diffusion, sample_dpmpp_sde): an ancestral step to the midpoint, another over the whole. */
export const dpmppSde: Sampler = (denoise, start, sigmas, options) => {
  const { eta = 1, midpoint = 0.5 } = options;
  const second = 1 / (2 * midpoint);
  return walk(denoise, start, sigmas, options, async ({ x, denoised, sigma, sigmaNext }) => {
    if (sigmaNext === 0) return denoised;
    const middle = singleBetween(sigma, sigmaNext, midpoint);
    const leap = (target: number, clean: Tensor): Tensor => {
      const { sigmaDown, sigmaUp } = ancestralSplit(sigma, target, eta);
      return withNoise(eulerStep(x, clean, sigma, sigmaDown), sigmaUp, sigma, target, options);
    };
    const denoisedMiddle = await denoise(leap(middle, denoised), middle);
    return leap(sigmaNext, weightedSum([1 - second, denoised], [second, denoisedMiddle]));
  });
};

/**
 * The sigma at a share of the λ-step, rounded at every operation like the reference's: a Brownian path gives visibly
 * other noise for a sigma that differs in its last bit.
 */
function singleBetween(sigma: number, sigmaNext: number, share: number): number {
  const single = Math.fround;
  const lambda = -single(Math.log(sigma));
  const h = single(-single(Math.log(sigmaNext)) - lambda);
  return single(Math.exp(-single(lambda + single(share * h))));
}

/** The λ-step of an SDE with eta: what is left of x, how much denoised enters, and the noise that eta renews. */
function sdeStep(sigma: number, sigmaNext: number, eta: number) {
  const h = Math.log(sigma / sigmaNext);
  return {
    keep: Math.exp(-h * (1 + eta)),
    enter: -Math.expm1(-h * (1 + eta)),
    noise: sigmaNext * Math.sqrt(-Math.expm1(-2 * h * eta)),
  };
}

/** SEEDS-2 (Gonzalez et al. 2023, Algorithm 2, data prediction): two stages that share the noise of the first. */
export const seeds2: Sampler = (denoise, start, sigmas, options) => {
  const { eta = 1, midpoint: r = 0.5, noiseScale = 1 } = options;
  const second = 1 / (2 * r);
  return walk(denoise, start, sigmas, options, async ({ x, denoised, sigma, sigmaNext }) => {
    if (sigmaNext === 0) return denoised;
    const middle = sigma ** (1 - r) * sigmaNext ** r;
    const toMiddle = sdeStep(sigma, middle, eta);
    const onward = sdeStep(middle, sigmaNext, eta);
    const whole = sdeStep(sigma, sigmaNext, eta);
    const isNoisy = eta > 0 && noiseScale > 0;
    const first = isNoisy ? options.noise(sigma, middle) : x;
    const rest = isNoisy ? options.noise(middle, sigmaNext) : x;
    const halfway = weightedSum(
      [toMiddle.keep, x],
      [toMiddle.enter, denoised],
      [toMiddle.noise * noiseScale, first],
    );
    const denoisedMiddle = await denoise(halfway, middle);
    // The first stage's noise decays on the way to the end like x itself.
    return weightedSum(
      [whole.keep, x],
      [whole.enter * (1 - second), denoised],
      [whole.enter * second, denoisedMiddle],
      [toMiddle.noise * onward.keep * noiseScale, first],
      [onward.noise * noiseScale, rest],
    );
  });
};

/** Points of the reference's rectangle rule over a step. */
const ER_SDE_POINTS = 200;

/** The noise scale function φ of ER-SDE-Solvers, eq. 20 (their choice 5). */
const erScale = (lambda: number): number => lambda * (Math.exp(lambda ** 0.3) + 10);

/** Extended reverse-time SDE (Cui et al. 2023, Algorithm 3): three-stage Taylor expansion in σ. */
export const erSde: Sampler = (denoise, start, sigmas, options) => {
  const { order = 3 } = options;
  let last: Tensor | undefined;
  let lastDerivative: Tensor | undefined;
  return walk(denoise, start, sigmas, options, ({ step, x, denoised, sigma, sigmaNext }) => {
    if (sigmaNext === 0) return denoised;
    const keep = erScale(sigmaNext) / erScale(sigma);
    const terms: Term[] = [[1 - keep, denoised]];
    const derivative =
      order >= 2 && last ? slopeBetween(denoised, last, sigma - sigmas[step - 1]!) : undefined;
    if (derivative) terms.push([erIntegral(sigma, sigmaNext, 1), derivative]);
    if (derivative && lastDerivative && order >= 3) {
      const curvature = slopeBetween(derivative, lastDerivative, (sigma - sigmas[step - 2]!) / 2);
      terms.push([erIntegral(sigma, sigmaNext, 2), curvature]);
    }
    last = denoised;
    lastDerivative = derivative;
    const noise = Math.sqrt(Math.max(0, sigmaNext ** 2 - sigma ** 2 * keep ** 2));
    return withNoise(weightedSum([keep, x], ...terms), noise, sigma, sigmaNext, options);
  });
};

function slopeBetween(now: Tensor, before: Tensor, distance: number): Tensor {
  return weightedSum([1 / distance, now], [-1 / distance, before]);
}

/** Weight of the first or second derivative of denoised: the step's Taylor term plus its correction by ∫ 1/φ. */
function erIntegral(sigma: number, sigmaNext: number, order: 1 | 2): number {
  const dt = sigmaNext - sigma;
  const width = -dt / ER_SDE_POINTS;
  let sum = 0;
  for (let i = 0; i < ER_SDE_POINTS; i++) {
    const lambda = sigmaNext + i * width;
    sum += (order === 1 ? 1 : lambda - sigma) / erScale(lambda);
  }
  return dt ** order / order + sum * width * erScale(sigmaNext);
}
