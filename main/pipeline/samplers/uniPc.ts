/** UniPC (Zhao et al. 2023): a predictor and a corrector of the same form; the corrector needs no extra evaluation. */
import { solve } from '../numerics/linearSystem.ts';
import type { Tensor } from '../tensor.ts';
import type { Sampler } from './sampler.ts';
import { type Term, weightedSum } from './updates.ts';

/** A model evaluation on the way: λ = -log σ and the denoised found there. */
export interface Evaluation {
  readonly lambda: number;
  readonly denoised: Tensor;
}

/** bh1: B(h) = h, bh2: B(h) = e^h - 1 (§3.4). */
export type UniPcVariant = 'bh1' | 'bh2';

/** The step from the newest evaluation to λ: h = newest λ - λ (negative) and, per order, what UniPC's system needs. */
export interface UniPcSystem {
  /** e^h - 1 */
  readonly phi1: number;
  readonly scale: number;
  /** Distances of earlier evaluations, then 1 for the one at the target, in steps. */
  readonly distances: readonly number[];
  readonly matrix: readonly (readonly number[])[];
  readonly right: readonly number[];
}

/** R(h) and b(h) of eq. 9–10 for the given earlier evaluations, newest first. */
export function uniPcSystem(
  evaluations: readonly Evaluation[],
  lambda: number,
  variant: UniPcVariant,
): UniPcSystem {
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
export function predictorWeights({ distances, matrix, right }: UniPcSystem): number[] {
  const order = distances.length;
  if (order === 2) return [0.5];
  return solve(
    matrix.slice(0, -1).map((row) => row.slice(0, -1)),
    right.slice(0, -1),
  );
}

/** Weights of the same differences and, last, of the difference to the evaluation at the target. */
export function correctorWeights({ distances, matrix, right }: UniPcSystem): number[] {
  return distances.length === 1 ? [0.5] : solve(matrix, right);
}

/**
 * keep·x - enter·(φ₁·denoised + B·Σ weight·(denoisedₖ - denoised)/distanceₖ): the common form of predictor and corrector.
 * `evaluations` are newest first; `target`, if given, is the evaluation at the step's end that the last weight is for.
 */
export function uniPcUpdate(
  x: Tensor,
  keep: number,
  enter: number,
  system: UniPcSystem,
  evaluations: readonly Evaluation[],
  weights: readonly number[],
  target?: Tensor,
): Tensor {
  const others = [...evaluations.slice(1).map((past) => past.denoised), ...(target ? [target] : [])];
  const terms: Term[] = [];
  let newestWeight = system.phi1;
  for (const [k, denoised] of others.entries()) {
    const weight = (system.scale * weights[k]!) / system.distances[k]!;
    terms.push([-enter * weight, denoised]);
    newestWeight -= weight;
  }
  return weightedSum([keep, x], [-enter * newestWeight, evaluations[0]!.denoised], ...terms);
}

const LARGEST_ORDER = 3;
/** Stands in for sigma 0, where λ is infinite. */
const LAST_SIGMA = 0.001;

/** Multistep UniPC-p, p ≤ 3, on denoised (Algorithms 1–2), as ComfyUI runs it: the last step is not corrected. */
function uniPcWith(variant: UniPcVariant): Sampler {
  return async (denoise, start, sigmas, options) => {
    const steps = sigmas.length - 1;
    if (steps < 1) return start;
    const sigmaAt = Array.from(sigmas, (sigma) => (sigma === 0 ? LAST_SIGMA : sigma));
    const largest = Math.min(options.order ?? LARGEST_ORDER, LARGEST_ORDER, steps - 1);
    const past: Evaluation[] = []; // newest first
    let x = start;
    for (let step = 0; step <= steps; step++) {
      options.signal?.throwIfAborted();
      const sigma = sigmaAt[step]!;
      const lambda = -Math.log(sigma);
      if (step === 0) {
        past.unshift({ lambda, denoised: await denoise(x, sigma) });
      } else {
        const order = Math.max(1, Math.min(largest, step, steps + 1 - step));
        const used = past.slice(0, order);
        const system = uniPcSystem(used, lambda, variant);
        const keep = sigma / sigmaAt[step - 1]!;
        const predicted = uniPcUpdate(x, keep, 1, system, used, order > 1 ? predictorWeights(system) : []);
        if (step === steps) return predicted;
        const denoised = await denoise(predicted, sigma);
        x = uniPcUpdate(x, keep, 1, system, used, correctorWeights(system), denoised);
        past.unshift({ lambda, denoised });
        past.length = Math.min(past.length, LARGEST_ORDER);
      }
      await options.onStep?.({ step, sigma, x, denoised: past[0]!.denoised });
    }
    return x;
  };
}

export const uniPc: Sampler = uniPcWith('bh1');
export const uniPcBh2: Sampler = uniPcWith('bh2');
