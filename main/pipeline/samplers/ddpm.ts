/** Samplers that renoise in every step: ancestral DDPM and the consistency samplers LCM and TCD. */
import { type Sampler, walk } from './sampler.ts';
import { eulerStep, weightedSum, withNoise } from './updates.ts';

/** Variance of the renewed noise: the posterior's (DDPM's σ² = β̃) or β itself. Ho et al. 2020, §3.2. */
export type DdpmVariance = 'fixed_small' | 'fixed_large';

/** Ho et al. 2020, DDPM, Algorithm 2, over any sigmas; x is variance exploding, the paper's is x/√(1 + σ²). */
export function ddpmWith(variance: DdpmVariance): Sampler {
  return (denoise, start, sigmas, options) =>
    walk(denoise, start, sigmas, options, ({ x, denoised, sigma, sigmaNext }) => {
      if (sigmaNext === 0) return denoised;
      // β = 1 - ᾱ/ᾱnext. In sigma space the posterior mean (eq. 7) mixes x and denoised by the ratio of variances.
      const keep = (sigmaNext / sigma) ** 2;
      const beta = (sigma ** 2 - sigmaNext ** 2) / (1 + sigma ** 2);
      const posterior = sigmaNext ** 2 * (1 - keep);
      const amount = variance === 'fixed_small' ? posterior : beta * (1 + sigmaNext ** 2);
      return withNoise(
        weightedSum([keep, x], [1 - keep, denoised]),
        Math.sqrt(amount),
        sigma,
        sigmaNext,
        options,
      );
    });
}

/** DDPM with the posterior's variance, as ComfyUI and diffusers run it by default. */
export const ddpm: Sampler = ddpmWith('fixed_small');

/** Luo et al. 2023, LCM, Algorithm 3 (multistep consistency sampling): denoise fully, then noise to the next sigma. */
export const lcm: Sampler = (denoise, start, sigmas, options) =>
  walk(denoise, start, sigmas, options, ({ denoised, sigma, sigmaNext }) =>
    withNoise(denoised, sigmaNext, sigma, sigmaNext, options),
  );

/** TCD (Zheng et al. 2024, Algorithm 4): goes deterministically to `sigmaBelow(sigmaNext)`, then noises back up. */
export function tcdWith(sigmaBelow: (sigmaNext: number) => number): Sampler {
  return (denoise, start, sigmas, options) =>
    walk(denoise, start, sigmas, options, ({ x, denoised, sigma, sigmaNext }) => {
      const below = Math.min(sigmaNext, sigmaBelow(sigmaNext));
      const amount = Math.sqrt(sigmaNext ** 2 - below ** 2);
      return withNoise(eulerStep(x, denoised, sigma, below), amount, sigma, sigmaNext, options);
    });
}
