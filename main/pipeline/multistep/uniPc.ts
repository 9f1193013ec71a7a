/** UniPC (Zhao et al. 2023): a predictor and a corrector of the same form; the corrector needs no extra evaluation. */
import { solve } from '../numerics/linearSystem.ts';
import type { Sampler } from '../samplers/sampler.ts';
import { type Term, weightedSum } from '../samplers/updates.ts';
import type { Tensor } from '../tensor.ts';

/** A model evaluation on the way: λ = -log σ and the denoised found there. */
interface Evaluation {
  readonly lambda: number;
  readonly denoised: Tensor;
}

/** bh1: B(h) = h, bh2: B(h) = e^h - 1 (§3.4). */
type UniPcVariant = 'bh1' | 'bh2';

/** The step from the newest evaluation to λ: h = newest λ - λ (negative) and, per order, what UniPC's system needs. */
interface UniPcSystem {
  /** e^h - 1 */
  readonly phi1: number;
  readonly scale: number;
  /** Distances of earlier evaluations, then 1 for the one at the target, in steps. */
  readonly distances: readonly number[];
  readonly matrix: readonly (readonly number[])[];
  readonly right: readonly number[];
}

/** R(h) and b(h) of eq. 9–10 for the given earlier evaluations, newest first. */
function uniPcSystem(evaluations: readonly Evaluation[], lambda: number, variant: UniPcVariant): UniPcSystem {
  const [newest, ...earlier] = evaluations;
  const h = newest!.lambda - lambda;
  const phi1 = Math.expm1(h);
  const scale = variant === 'bh1' ? h : phi1;
  const distances = [...earlier.map((past) => (past.lambda - newest!.lambda) / -h), 1];
  const right: number[] = [];
  let phi = phi1 / h - 1;
  let factorial = 1;
  for (let k = 1; k <= distances.length; k++) {
    right.push((phi * factorial) / scale);
    factorial *= k + 1;
    phi = phi / h - 1 / factorial;
  }
  const matrix = distances.map((_, power) => distances.map((distance) => distance ** power));
  return { phi1, scale, distances, matrix, right };
}

/** Weights of the differences to the earlier evaluations (eq. 9 without the corrector's row). */
function predictorWeights({ distances, matrix, right }: UniPcSystem): number[] {
  const order = distances.length;
  if (order === 2) return [0.5];
  return solve(
    matrix.slice(0, -1).map((row) => row.slice(0, -1)),
    right.slice(0, -1),
  );
}

/** Weights of the same differences and, last, of the difference to the evaluation at the target. */
function correctorWeights({ distances, matrix, right }: UniPcSystem): number[] {
  return distances.length === 1 ? [0.5] : solve(matrix, right);
}

/**
 * keep·x - (φ₁·denoised + B·Σ weight·(denoisedₖ - denoised)/distanceₖ): the common form of predictor and corrector.
 * `target` is the evaluation at the step's end, for which the corrector has a last weight.
 */
function land({ x, keep, known, system }: Leg, weights: readonly number[], target?: Tensor): Tensor {
  const others = [...known.slice(1).map((past) => past.denoised), ...(target ? [target] : [])];
  const terms: Term[] = [];
  let newestWeight = system.phi1;
  for (const [k, denoised] of others.entries()) {
    const weight = (system.scale * weights[k]!) / system.distances[k]!;
    terms.push([-weight, denoised]);
    newestWeight -= weight;
  }
  return weightedSum([keep, x], [-newestWeight, known[0]!.denoised], ...terms);
}

/** Stands in for sigma 0 in ComfyUI, where λ would be infinite. */
const LAST_SIGMA = 0.001;

export interface UniPcConfig {
  readonly variant: UniPcVariant;
  readonly order: number;
  /** What a final sigma of 0 is replaced by; 0 ends in denoised itself. */
  readonly lastSigma: number;
}

/** A step under way: from x, by the evaluations known at its start, to the λ the system was set up for. */
interface Leg {
  readonly x: Tensor;
  readonly keep: number;
  readonly known: readonly Evaluation[];
  readonly system: UniPcSystem;
}

/** Multistep UniPC-p on denoised (Algorithms 1–2); the last step is not corrected, and the order falls towards it. */
export function uniPcWith({ variant, order: configured, lastSigma }: UniPcConfig): Sampler {
  return async (denoise, start, sigmas, options) => {
    const steps = sigmas.length - 1;
    const sigmaAt = Array.from(sigmas, (sigma) => (sigma === 0 ? lastSigma : sigma));
    const largest = options.order ?? configured;
    const past: Evaluation[] = []; // newest first
    let predicted = start;
    let leg: Leg | undefined;
    for (let step = 0; step < steps; step++) {
      options.signal?.throwIfAborted();
      const [sigma, sigmaNext] = [sigmaAt[step]!, sigmaAt[step + 1]!];
      const denoised = await denoise(predicted, sigma);
      const x = leg ? land(leg, correctorWeights(leg.system), denoised) : predicted;
      await options.onStep?.({ step, sigma, x, denoised });
      past.unshift({ lambda: -Math.log(sigma), denoised });
      past.length = Math.min(past.length, largest);
      const known = past.slice(0, steps - step);
      leg = { x, keep: sigmaNext / sigma, known, system: uniPcSystem(known, -Math.log(sigmaNext), variant) };
      predicted = land(leg, predictorWeights(leg.system));
    }
    return predicted;
  };
}

/** UniPC-3 with B(h) = h, as ComfyUI runs it. */
export const uniPc: Sampler = uniPcWith({ variant: 'bh1', order: 3, lastSigma: LAST_SIGMA });
/** UniPC-3 with B(h) = e^h − 1, as ComfyUI runs it. */
export const uniPcBh2: Sampler = uniPcWith({ variant: 'bh2', order: 3, lastSigma: LAST_SIGMA });
