/** Samplers that renoise in every step: ancestral DDPM and the consistency sampler of LCM. */
import { type Sampler, walk } from './sampler.ts';
import { weightedSum, withNoise } from './updates.ts';

/** Ho et al. 2020, DDPM, Algorithm 2, over any sigmas; x is variance exploding, the paper's is x/√(1 + σ²). */
export const ddpm: Sampler = (denoise, start, sigmas, options) =>
  walk(denoise, start, sigmas, options, ({ x, denoised, sigma, sigmaNext }) => {
    if (sigmaNext === 0) return denoised;
    const alpha = 1 / (1 + sigma ** 2); // ᾱ
    const alphaNext = 1 / (1 + sigmaNext ** 2);
    const stepAlpha = alpha / alphaNext;
    // Eq. 11 with eps = (x - denoised)/σ, both sides carried back to variance exploding by √(1 + σ²).
    const widen = Math.sqrt((1 + sigmaNext ** 2) / stepAlpha);
    const epsWeight = (widen * (1 - stepAlpha)) / (Math.sqrt(1 - alpha) * sigma);
    const mean = weightedSum([widen * Math.sqrt(alpha) - epsWeight, x], [epsWeight, denoised]);
    const deviation = Math.sqrt(((1 - stepAlpha) * (1 - alphaNext)) / (1 - alpha));
    return withNoise(mean, deviation * Math.sqrt(1 + sigmaNext ** 2), sigma, sigmaNext, options);
  });

/** Luo et al. 2023, LCM, Algorithm 3 (multistep consistency sampling): denoise fully, then noise to the next sigma. */
export const lcm: Sampler = (denoise, start, sigmas, options) =>
  walk(denoise, start, sigmas, options, ({ denoised, sigma, sigmaNext }) =>
    withNoise(denoised, sigmaNext, sigma, sigmaNext, options),
  );
