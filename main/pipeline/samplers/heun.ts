/** Second- and third-order single-step methods on the probability-flow ODE: Heun, Heun++ and DPM-Solver-2. */
import type { Tensor } from '../tensor.ts';
import { type Denoise, type Sampler, type Stage, walk } from './sampler.ts';
import { ancestralSplit, churn, eulerStep, slope, weightedSum, withNoise } from './updates.ts';

/** Karras et al. 2022, Algorithm 2: the mean of the slopes at both ends of the step. */
export const heun: Sampler = (denoise, start, sigmas, options) =>
  walk(
    denoise,
    start,
    sigmas,
    options,
    async (stage) => {
      const { x, sigma, sigmaNext, denoised } = stage;
      if (sigmaNext === 0) return denoised;
      const d = slope(x, sigma, denoised);
      const d2 = await slopeAfterEuler(denoise, x, d, sigma, sigmaNext);
      const half = (sigmaNext - sigma) / 2;
      return weightedSum([1, x], [half, d], [half, d2.slope]);
    },
    churn(options, sigmas.length - 1),
  );

interface Probe {
  readonly x: Tensor;
  readonly slope: Tensor;
}

/** Where an Euler step along `d` leads, and the slope there. */
async function slopeAfterEuler(
  denoise: Denoise,
  x: Tensor,
  d: Tensor,
  from: number,
  to: number,
): Promise<Probe> {
  const landed = weightedSum([1, x], [to - from, d]);
  return { x: landed, slope: slope(landed, to, await denoise(landed, to)) };
}

/** Heun++ (zju-pi, diff-sampler): looks two sigmas ahead and weights the three slopes by their sigmas. */
export const heunPlusPlus: Sampler = (denoise, start, sigmas, options) => {
  const end = sigmas.at(-1)!;
  return walk(
    denoise,
    start,
    sigmas,
    options,
    async ({ step, x, sigma, sigmaNext, denoised }) => {
      if (sigmaNext === end) return eulerStep(x, denoised, sigma, sigmaNext);
      const dt = sigmaNext - sigma;
      const d = slope(x, sigma, denoised);
      const next = await slopeAfterEuler(denoise, x, d, sigma, sigmaNext);
      const sigmaAfter = sigmas[step + 2]!;
      if (sigmaAfter === end) {
        const w2 = sigmaNext / (2 * sigmas[0]!);
        return weightedSum([1, x], [dt * (1 - w2), d], [dt * w2, next.slope]);
      }
      const after = await slopeAfterEuler(denoise, next.x, next.slope, sigmaNext, sigmaAfter);
      const w2 = sigmaNext / (3 * sigmas[0]!);
      const w3 = sigmaAfter / (3 * sigmas[0]!);
      return weightedSum([1, x], [dt * (1 - w2 - w3), d], [dt * w2, next.slope], [dt * w3, after.slope]);
    },
    churn(options, sigmas.length - 1),
  );
};

/** DPM-Solver-2 (Lu et al. 2022, Algorithm 1): a midpoint step, the midpoint taken in log sigma. */
export const dpm2: Sampler = (denoise, start, sigmas, options) =>
  walk(
    denoise,
    start,
    sigmas,
    options,
    (stage) => midpointStep(denoise, stage, stage.sigmaNext),
    churn(options, sigmas.length - 1),
  );

/** DPM-Solver-2 to sigmaDown, then noise up to the next sigma (k-diffusion, sample_dpm_2_ancestral). */
export const dpm2Ancestral: Sampler = (denoise, start, sigmas, options) =>
  walk(denoise, start, sigmas, options, async (stage) => {
    const { sigma, sigmaNext } = stage;
    const { sigmaDown, sigmaUp } = ancestralSplit(sigma, sigmaNext, options.eta ?? 1);
    return withNoise(await midpointStep(denoise, stage, sigmaDown), sigmaUp, sigma, sigmaNext, options);
  });

async function midpointStep(
  denoise: Denoise,
  { x, sigma, denoised }: Stage,
  target: number,
): Promise<Tensor> {
  if (target === 0) return denoised;
  const middle = Math.sqrt(sigma * target);
  const halfway = eulerStep(x, denoised, sigma, middle);
  const d = slope(halfway, middle, await denoise(halfway, middle));
  return weightedSum([1, x], [target - sigma, d]);
}
