/** Exponential integrators in half-log-SNR λ = -log σ: DPM-Solver++ and RES, deterministic or ancestral. */
import type { Tensor } from '../tensor.ts';
import { type Sampler, walk } from './sampler.ts';
import { ancestralSplit, eulerStep, weightedSum, withNoise } from './updates.ts';

/**
 * Lu et al. 2022, DPM-Solver++, Algorithm 1 (2S, midpoint at half the λ-step), taken to sigmaDown and renoised.
 * In λ the exact step for a constant denoised is Euler's mix of x and denoised.
 */
export const dpmpp2sAncestral: Sampler = (denoise, start, sigmas, options) =>
  walk(denoise, start, sigmas, options, async ({ x, denoised, sigma, sigmaNext }) => {
    const { sigmaDown, sigmaUp } = ancestralSplit(sigma, sigmaNext, options.eta ?? 1);
    if (sigmaDown === 0) return withNoise(denoised, sigmaUp, sigma, sigmaNext, options);
    const middle = Math.sqrt(sigma * sigmaDown);
    const halfway = eulerStep(x, denoised, sigma, middle);
    const denoisedMiddle = await denoise(halfway, middle);
    return withNoise(eulerStep(x, denoisedMiddle, sigma, sigmaDown), sigmaUp, sigma, sigmaNext, options);
  });

/** Lu et al. 2022, DPM-Solver++, Algorithm 2 (2M): denoised is extrapolated linearly in λ from the last two steps. */
export const dpmpp2m: Sampler = (denoise, start, sigmas, options) => {
  let last: { readonly denoised: Tensor; readonly h: number } | undefined;
  return walk(denoise, start, sigmas, options, ({ x, denoised, sigma, sigmaNext }) => {
    const h = Math.log(sigma / sigmaNext);
    const extrapolated =
      last && sigmaNext > 0 ? extrapolate(denoised, last.denoised, h / last.h / 2) : denoised;
    last = { denoised, h };
    return eulerStep(x, extrapolated, sigma, sigmaNext);
  });
};

/** now + amount·(now - before) */
function extrapolate(now: Tensor, before: Tensor, amount: number): Tensor {
  return weightedSum([1 + amount, now], [-amount, before]);
}

/** Zhang et al. 2023, RES (arXiv 2308.02157), Algorithm 2: second-order multistep with φ-functions of the λ-step. */
export const resMultistep: Sampler = (denoise, start, sigmas, options) =>
  resMultistepAncestral(denoise, start, sigmas, { ...options, eta: 0 });

/** RES to sigmaDown, then noise up to the next sigma. */
export const resMultistepAncestral: Sampler = (denoise, start, sigmas, options) => {
  let last: { readonly denoised: Tensor; readonly sigma: number; readonly sigmaDown: number } | undefined;
  return walk(denoise, start, sigmas, options, ({ x, denoised, sigma, sigmaNext }) => {
    const { sigmaDown, sigmaUp } = ancestralSplit(sigma, sigmaNext, options.eta ?? 1);
    const next =
      last && sigmaDown > 0
        ? resStep(x, denoised, sigma, sigmaDown, last)
        : eulerStep(x, denoised, sigma, sigmaDown);
    last = { denoised, sigma, sigmaDown };
    return withNoise(next, sigmaUp, sigma, sigmaNext, options);
  });
};

function resStep(
  x: Tensor,
  denoised: Tensor,
  sigma: number,
  sigmaDown: number,
  last: { readonly denoised: Tensor; readonly sigma: number; readonly sigmaDown: number },
): Tensor {
  const h = Math.log(sigma / sigmaDown);
  // How far back the last evaluation lies, in steps; negative. Zero where the last step did not descend.
  const c2 = Math.log(last.sigmaDown / last.sigma) / h;
  const phi1 = -Math.expm1(-h) / h;
  const phi2 = (phi1 - 1) / -h;
  const before = c2 === 0 ? 0 : phi2 / c2;
  return weightedSum([Math.exp(-h), x], [h * (phi1 - before), denoised], [h * before, last.denoised]);
}
