/** SA-Solver (Xue et al. 2023): stochastic Adams predictor and corrector in half-log-SNR λ = -log σ, on denoised. */
import { exponentialAdamsWeights } from '../numerics/exponentialAdams.ts';
import type { Sampler, SamplerParameters } from '../samplers/sampler.ts';
import { type Term, weightedSum } from '../samplers/updates.ts';
import type { ModelSigmas } from '../sigmas/modelSigmas.ts';
import type { Tensor } from '../tensor.ts';

const PREDICTOR_ORDER = 3;
const CORRECTOR_ORDER = 4;
/** Without a range the whole way is stochastic. */
const EVERYWHERE = [Number.POSITIVE_INFINITY, 0] as const;

/** Where ComfyUI makes it stochastic: between these fractions of the way from noise to picture. */
const STOCHASTIC_FRACTIONS = [0.2, 0.8] as const;

/** `stochasticRange` for a model, as ComfyUI has it. */
export function saSolverParameters({ sigmaAtFraction }: ModelSigmas): SamplerParameters {
  const [from, to] = STOCHASTIC_FRACTIONS;
  return { stochasticRange: [sigmaAtFraction(from), sigmaAtFraction(to)] };
}

interface Evaluation {
  readonly lambda: number;
  readonly denoised: Tensor;
}

/** A step from `x` at λ `from` to λ `to` with stochasticity τ; `noise` is what the predictor added at its end. */
interface Leg {
  readonly x: Tensor;
  readonly from: number;
  readonly to: number;
  readonly tau: number;
  readonly noise: readonly Term[];
}

/** Algorithm 1 (PEC): predict, evaluate, correct. τ is eta between the two sigmas of stochasticRange and 0 elsewhere. */
export const saSolver: Sampler = async (denoise, start, sigmas, options) => {
  const { eta = 1, noiseScale = 1, stochasticRange: [noisyFrom, noisyTo] = EVERYWHERE } = options;
  const evaluations: Evaluation[] = []; // newest first
  let predicted = start;
  let leg: Leg | undefined;
  for (let step = 0; step + 1 < sigmas.length; step++) {
    options.signal?.throwIfAborted();
    const [sigma, sigmaNext] = [sigmas[step]!, sigmas[step + 1]!];
    const denoised = await denoise(predicted, sigma);
    await options.onStep?.({ step, sigma, x: predicted, denoised });
    if (sigmaNext === 0) return denoised;
    evaluations.unshift({ lambda: -Math.log(sigma), denoised });
    // The order falls towards sigma 0, where differences in λ become infinite.
    const stepsLeft = sigmas.at(-1) === 0 ? sigmas.length - 1 - step : Number.POSITIVE_INFINITY;
    const x = leg ? travel(leg, evaluations.slice(0, Math.min(CORRECTOR_ORDER, stepsLeft))) : predicted;
    const tau = sigmaNext <= noisyFrom && sigmaNext >= noisyTo ? eta : 0;
    const h = Math.log(sigma / sigmaNext);
    const amount = sigmaNext * Math.sqrt(-Math.expm1(-2 * tau ** 2 * h)) * noiseScale;
    const noise: Term[] = amount > 0 ? [[amount, options.noise(sigma, sigmaNext)]] : [];
    leg = { x, from: -Math.log(sigma), to: -Math.log(sigmaNext), tau, noise };
    predicted = travel(leg, evaluations.slice(0, Math.min(PREDICTOR_ORDER, stepsLeft - 1)));
    evaluations.length = Math.min(evaluations.length, CORRECTOR_ORDER);
  }
  return predicted;
};

/** Eq. 14 (predictor) and eq. 17 (corrector): they differ only in whether the end of the leg is among the evaluations. */
function travel({ x, from, to, tau, noise }: Leg, evaluations: readonly Evaluation[]): Tensor {
  const rate = 1 + tau ** 2;
  const nodes = evaluations.map(({ lambda }) => lambda);
  const weights = exponentialAdamsWeights(nodes, from, to, rate);
  const known = evaluations.map(({ denoised }, i): Term => [weights[i]!, denoised]);
  return weightedSum([Math.exp(rate * (from - to)), x], ...known, ...noise);
}
