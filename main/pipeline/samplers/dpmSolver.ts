/** DPM-Solver (Lu et al. 2022, arXiv 2206.00927) in half-log-SNR λ = -log σ, with fixed and with adaptive steps. */
import type { Tensor } from '../tensor.ts';
import type { Denoise, Sampler, SamplerOptions } from './sampler.ts';
import { ancestralSplit, slope, weightedSum, withNoise } from './updates.ts';

/** A place on the way with the unit noise the model sees there. */
interface Stand {
  readonly x: Tensor;
  readonly lambda: number;
  readonly eps: Tensor;
}

type Predict = (x: Tensor, lambda: number) => Promise<Tensor>;

const THIRD = 1 / 3;
const TWO_THIRDS = 2 / 3;

/** σ(λ) */
const sigmaAt = (lambda: number): number => Math.exp(-lambda);

/** DPM-Solver-fast (Algorithm 3, appendix C.3): third-order steps, the remainder of the budget in lower order. */
export const dpmFast: Sampler = async (denoise, start, sigmas, options) => {
  const range = lambdaRange(sigmas);
  if (!range) return start;
  const predict = epsPredictor(denoise);
  const orders = orderPlan(sigmas.length - 1);
  let x = start;
  for (const [step, order] of orders.entries()) {
    options.signal?.throwIfAborted();
    const lambda = range.from + ((range.to - range.from) * step) / orders.length;
    const next =
      step + 1 === orders.length
        ? range.to
        : range.from + ((range.to - range.from) * (step + 1)) / orders.length;
    const stand = await arrive(predict, x, lambda, step, options);
    const { target, amount } = stochasticTarget(lambda, next, range.to, options);
    const landed = await singleStep(predict, stand, target, order);
    x = withNoise(landed, amount, sigmaAt(lambda), sigmaAt(next), options);
  }
  return x;
};

/** Orders of the steps whose evaluations add up to `evaluations`, the last one always of order 1 or 2. */
function orderPlan(evaluations: number): number[] {
  const thirds = Math.floor(evaluations / 3);
  if (evaluations % 3 !== 0) return [...new Array<number>(thirds).fill(3), evaluations % 3];
  return [...new Array<number>(thirds - 1).fill(3), 2, 1];
}

/** Step size control of DPM-Solver-12/23 (appendix C.4) as k-diffusion has it: a limited integral controller. */
const FIRST_STEP = 0.05;
const ACCEPTED_FACTOR = 0.81;
const ARRIVED = 1e-5;

/** DPM-Solver-23 (Algorithm 4, appendix C.4): the second-order solution inside the third-order one measures the error. */
export const dpmAdaptive: Sampler = async (denoise, start, sigmas, options) => {
  const range = lambdaRange(sigmas);
  if (!range) return start;
  const predict = epsPredictor(denoise);
  const controllerOrder = options.eta ? 1.5 : 3;
  let x = start;
  let lastLow = start;
  let lambda = range.from;
  let h = FIRST_STEP;
  for (let step = 0; lambda < range.to - ARRIVED; step++) {
    options.signal?.throwIfAborted();
    const next = Math.min(range.to, lambda + h);
    const stand = await arrive(predict, x, lambda, step, options);
    const { target, amount } = stochasticTarget(lambda, next, range.to, options);
    const { low, high } = await embeddedStep(predict, stand, target);
    const factor =
      1 + Math.atan((1 / (errorNorm(low, high, lastLow, options) + 1e-8)) ** (1 / controllerOrder) - 1);
    if (factor >= ACCEPTED_FACTOR) {
      x = withNoise(high, amount, sigmaAt(lambda), sigmaAt(next), options);
      lastLow = low;
      lambda = next;
    }
    h *= factor;
  }
  return x;
};

/** λ of the first and of the last positive sigma; undefined when there is nothing to walk. */
function lambdaRange(sigmas: Float32Array): { from: number; to: number } | undefined {
  if (sigmas.length < 2) return undefined;
  const last = sigmas.at(-1)! > 0 ? sigmas.at(-1)! : sigmas.at(-2)!;
  return { from: -Math.log(sigmas[0]!), to: -Math.log(last) };
}

function epsPredictor(denoise: Denoise): Predict {
  return async (x, lambda) => slope(x, sigmaAt(lambda), await denoise(x, sigmaAt(lambda)));
}

/** Asks the model at the start of a step and reports it. */
async function arrive(
  predict: Predict,
  x: Tensor,
  lambda: number,
  step: number,
  { onStep }: SamplerOptions,
): Promise<Stand> {
  const eps = await predict(x, lambda);
  const sigma = sigmaAt(lambda);
  if (onStep) await onStep({ step, sigma, x, denoised: weightedSum([1, x], [-sigma, eps]) });
  return { x, lambda, eps };
}

/** Where to step to without noise, and the noise that then leads to `next`. */
function stochasticTarget(lambda: number, next: number, end: number, { eta = 0 }: SamplerOptions) {
  if (eta === 0) return { target: next, amount: 0 };
  const { sigmaDown } = ancestralSplit(sigmaAt(lambda), sigmaAt(next), eta);
  const target = Math.min(end, -Math.log(sigmaDown));
  return { target, amount: Math.sqrt(Math.max(0, sigmaAt(next) ** 2 - sigmaAt(target) ** 2)) };
}

function singleStep(predict: Predict, stand: Stand, next: number, order: number): Promise<Tensor> | Tensor {
  if (order === 1) return firstOrder(stand, next);
  return order === 2 ? secondOrder(predict, stand, next) : thirdOrder(predict, stand, next);
}

/** DPM-Solver-1 (eq. 3.7) over any part of a step. */
function firstOrder({ x, lambda, eps }: Stand, next: number): Tensor {
  return weightedSum([1, x], [-sigmaAt(next) * Math.expm1(next - lambda), eps]);
}

/** DPM-Solver-2 (Algorithm 1). */
async function secondOrder(predict: Predict, stand: Stand, next: number): Promise<Tensor> {
  const middle = (stand.lambda + next) / 2;
  return combineTwo(stand, next, 0.5, await predict(firstOrder(stand, middle), middle));
}

/** The second-order combination with an evaluation at the share r of the step. */
function combineTwo({ x, lambda, eps }: Stand, next: number, r: number, epsAtR: Tensor): Tensor {
  const whole = sigmaAt(next) * Math.expm1(next - lambda);
  return weightedSum([1, x], [-whole * (1 - 1 / (2 * r)), eps], [-whole / (2 * r), epsAtR]);
}

/** DPM-Solver-3 (Algorithm 2), r₁ = 1/3, r₂ = 2/3. */
async function thirdOrder(predict: Predict, stand: Stand, next: number): Promise<Tensor> {
  return (await embeddedStep(predict, stand, next)).high;
}

/** DPM-Solver-3 and, from its first inner evaluation, the DPM-Solver-2 solution with r = 1/3. */
async function embeddedStep(
  predict: Predict,
  stand: Stand,
  next: number,
): Promise<{ low: Tensor; high: Tensor }> {
  const { x, lambda, eps } = stand;
  const h = next - lambda;
  const first = lambda + h * THIRD;
  const second = lambda + h * TWO_THIRDS;
  const epsFirst = await predict(firstOrder(stand, first), first);
  const low = combineTwo(stand, next, THIRD, epsFirst);
  const atSecond = combineThree(stand, second, 2, h * TWO_THIRDS, epsFirst);
  const epsSecond = await predict(atSecond, second);
  return { low, high: combineThree({ x, lambda, eps }, next, 1 / TWO_THIRDS, h, epsSecond) };
}

/** x - σ·(e^h - 1)·eps - σ·ratio·((e^h - 1)/h - 1)·(epsAhead - eps) */
function combineThree({ x, eps }: Stand, next: number, ratio: number, h: number, epsAhead: Tensor): Tensor {
  const sigma = sigmaAt(next);
  const change = sigma * ratio * (Math.expm1(h) / h - 1);
  return weightedSum([1, x], [change - sigma * Math.expm1(h), eps], [-change, epsAhead]);
}

/** Root mean square of the difference in units of the tolerance; 1 = as wrong as allowed. */
function errorNorm(low: Tensor, high: Tensor, lastLow: Tensor, options: SamplerOptions): number {
  const { relativeTolerance: rtol = 0.05, absoluteTolerance: atol = 0.0078 } = options;
  let sum = 0;
  for (let i = 0; i < low.data.length; i++) {
    const size = Math.max(Math.abs(low.data[i]!), Math.abs(lastLow.data[i]!));
    sum += ((low.data[i]! - high.data[i]!) / Math.max(atol, rtol * size)) ** 2;
  }
  return Math.sqrt(sum / low.data.length);
}
