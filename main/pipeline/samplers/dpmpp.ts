/** Exponential integrators in half-log-SNR λ = -log σ: DPM-Solver++ and RES, deterministic or ancestral. */
import type { Tensor } from '../tensor.ts';
import { type Sampler, type Stage, walk } from './sampler.ts';
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

/**
 * DPM-Solver++ (2S) without noise (Algorithm 1): the sigmas are walked in pairs, the first of each pair being the inner
 * point of a second-order step over both. The last step, or the last two of an even number, are of first order.
 */
export const dpmpp2s: Sampler = (denoise, start, sigmas, options) => {
  const steps = sigmas.length - 1;
  let pair: Stage | undefined;
  return walk(denoise, start, sigmas, options, (stage) => {
    const { step, x, denoised, sigma, sigmaNext } = stage;
    const isSecond = pair !== undefined && step % 2 === 1 && step < steps - 1;
    if (!pair || !isSecond) {
      pair = stage;
      return eulerStep(x, denoised, sigma, sigmaNext);
    }
    const reach = Math.log(pair.sigma / sigmaNext) / Math.log(pair.sigma / sigma) / 2;
    const extrapolated = weightedSum([1 - reach, pair.denoised], [reach, denoised]);
    return eulerStep(pair.x, extrapolated, pair.sigma, sigmaNext);
  });
};

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
