/** Euler's method on the probability-flow ODE: plain, ancestral, with CFG++ and with gradient estimation. */
import type { Tensor } from '../tensor.ts';
import { type Denoised, type Sampler, type SamplerOptions, walk } from './sampler.ts';
import { ancestralSplit, churn, eulerStep, slope, weightedSum, withNoise } from './updates.ts';

/** Karras et al. 2022, Algorithm 2 without the second-order correction. */
export const euler: Sampler = (denoise, start, sigmas, options) =>
  walk(
    denoise,
    start,
    sigmas,
    options,
    ({ x, denoised, sigma, sigmaNext }) => eulerStep(x, denoised, sigma, sigmaNext),
    churn(options, sigmas.length - 1),
  );

/** Euler's step to sigmaDown, then noise up to the next sigma (k-diffusion, sample_euler_ancestral). */
export const eulerAncestral: Sampler = (denoise, start, sigmas, options) =>
  walk(denoise, start, sigmas, options, ({ x, denoised, sigma, sigmaNext }) => {
    const { sigmaDown, sigmaUp } = ancestralSplit(sigma, sigmaNext, options.eta ?? 1);
    return withNoise(eulerStep(x, denoised, sigma, sigmaDown), sigmaUp, sigma, sigmaNext, options);
  });

/** DDIM (Song et al. 2021, eq. 12): in sigma space the ancestral Euler step with eta, by default without noise. */
export const ddim: Sampler = (denoise, start, sigmas, options) =>
  eulerAncestral(denoise, start, sigmas, { ...options, eta: options.eta ?? 0 });

/** CFG++ (Chung et al. 2024, Algorithm 2): the guided image, renoised with the noise the negative prompt sees. */
export const eulerCfgPlusPlus: Sampler = (denoise, start, sigmas, options) =>
  eulerAncestralCfgPlusPlus(denoise, start, sigmas, { ...options, eta: 0 });

/** As `eulerCfgPlusPlus`, with part of the noise renewed in each step. */
export const eulerAncestralCfgPlusPlus: Sampler = (denoise, start, sigmas, options) =>
  walk(denoise, start, sigmas, options, ({ x, denoised, sigma, sigmaNext }) =>
    cfgPlusPlusStep(x, denoised, sigma, sigmaNext, options),
  );

function cfgPlusPlusStep(
  x: Tensor,
  denoised: Denoised,
  sigma: number,
  sigmaNext: number,
  options: SamplerOptions,
): Tensor {
  const { sigmaDown, sigmaUp } = ancestralSplit(sigma, sigmaNext, options.eta ?? 1);
  const noise = slope(x, sigma, negativeOf(denoised));
  return withNoise(weightedSum([1, denoised], [sigmaDown, noise]), sigmaUp, sigma, sigmaNext, options);
}

/** What the negative prompt alone predicts. Throws when the denoiser does not tell, which is a wiring mistake. */
function negativeOf(denoised: Denoised): Tensor {
  if (!denoised.negative)
    throw new Error('a CFG++ sampler needs a denoiser that reports its negative prediction');
  return denoised.negative;
}

/** Permenter & Yuan 2024, "Interpreting and improving diffusion models", eq. 8: extrapolates the slope from two steps. */
export const gradientEstimation: Sampler = (denoise, start, sigmas, options) => {
  const { gamma = 2 } = options;
  let lastSlope: Tensor | undefined;
  return walk(denoise, start, sigmas, options, ({ x, denoised, sigma, sigmaNext }) => {
    if (sigmaNext === 0) return denoised;
    const d = slope(x, sigma, denoised);
    const dt = sigmaNext - sigma;
    const next = lastSlope
      ? weightedSum([1, x], [dt * gamma, d], [dt * (1 - gamma), lastSlope])
      : weightedSum([1, x], [dt, d]);
    lastSlope = d;
    return next;
  });
};
