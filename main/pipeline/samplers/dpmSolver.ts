/**
 * DPM-Solver (Lu et al. 2022, arXiv 2206.00927) in half-log-SNR λ = -log σ, with fixed and with adaptive steps.
 * The first error estimates of dpm_adaptive are pure rounding noise, and its step sizes follow from them. So this
 * file rounds every operation to single precision, in the reference's order, to take the reference's steps.
 */
import { linspace } from '../numerics/polynomials.ts';
import type { Tensor } from '../tensor.ts';
import { euler } from './euler.ts';
import type { Denoise, Sampler, SamplerOptions } from './sampler.ts';
import { ancestralSplit, withNoise } from './updates.ts';

/** A place on the way with the unit noise the model sees there. */
interface Stand {
  readonly x: Tensor;
  readonly lambda: number;
  readonly eps: Tensor;
}

type Predict = (x: Tensor, lambda: number) => Promise<Tensor>;

const THIRD = 1 / 3;
const TWO_THIRDS = 2 / 3;
const single = Math.fround;

const sigmaAt = (lambda: number): number => single(Math.exp(-lambda));
/** e^h - 1, and (e^h - 1)/h - 1 */
const growth = (h: number): number => single(Math.expm1(h));
const bend = (h: number): number => single(single(growth(h) / h) - 1);

/** DPM-Solver-fast (Algorithm 3, appendix C.3): third-order steps, the remainder of the budget in lower order. */
export const dpmFast: Sampler = async (denoise, start, sigmas, options) => {
  const range = lambdaRange(sigmas);
  if (!range) return euler(denoise, start, sigmas, options);
  const predict = epsPredictor(denoise);
  const orders = orderPlan(sigmas.length - 1);
  const lambdas = Float32Array.from(linspace(range.from, range.to, orders.length + 1));
  let x = start;
  for (const [step, order] of orders.entries()) {
    options.signal?.throwIfAborted();
    const [lambda, next] = [lambdas[step]!, lambdas[step + 1]!];
    const stand = await arrive(predict, x, lambda, step, options);
    const { target, amount } = stochasticTarget(lambda, next, range.to, options);
    x = withNoise(
      await singleStep(predict, stand, target, order),
      amount,
      sigmaAt(lambda),
      sigmaAt(next),
      options,
    );
  }
  return x;
};

/** Orders of the steps, adding up to `evaluations`; the last one is always of order 1 or 2. */
function orderPlan(evaluations: number): number[] {
  const thirds = Math.floor(evaluations / 3);
  if (evaluations % 3 !== 0) return [...new Array<number>(thirds).fill(3), evaluations % 3];
  return [...new Array<number>(thirds - 1).fill(3), 2, 1];
}

/** Step size control as k-diffusion has it: a limited integral controller around an error of 1. */
const FIRST_STEP = 0.05;
const ACCEPTED_FACTOR = 0.81;
const SMALLEST_ERROR = 1e-8;
const ARRIVED = 1e-5;

/** DPM-Solver-23 (Algorithm 4, appendix C.4): the second-order solution inside the third-order one measures the error. */
export const dpmAdaptive: Sampler = async (denoise, start, sigmas, options) => {
  const range = lambdaRange(sigmas);
  if (!range) return euler(denoise, start, sigmas, options);
  const predict = epsPredictor(denoise);
  let x = start;
  let lastLow = start;
  let lambda = range.from;
  let h = FIRST_STEP;
  for (let step = 0; lambda < range.to - ARRIVED; step++) {
    options.signal?.throwIfAborted();
    const next = Math.min(range.to, single(lambda + h));
    const stand = await arrive(predict, x, lambda, step, options);
    const { target, amount } = stochasticTarget(lambda, next, range.to, options);
    const { low, high } = await embeddedStep(predict, stand, target);
    const factor = stepFactor(errorNorm(low, high, lastLow, options), options);
    // No step is small enough for a network that answers NaN: what it says is handed on, as by the other samplers.
    if (Number.isNaN(factor)) return high;
    if (factor >= ACCEPTED_FACTOR) {
      x = withNoise(high, amount, sigmaAt(lambda), sigmaAt(next), options);
      lastLow = low;
      lambda = next;
    }
    h *= factor;
  }
  return x;
};

/** How much longer the next step may be: 1 at an error of 1, at most 1 + π/2. */
function stepFactor(error: number, { eta }: SamplerOptions): number {
  const order = eta ? 1.5 : 3;
  return 1 + Math.atan((1 / (error + SMALLEST_ERROR)) ** (1 / order) - 1);
}

/** Root mean square of the difference in units of the tolerance; 1 = as wrong as allowed. */
function errorNorm(low: Tensor, high: Tensor, lastLow: Tensor, options: SamplerOptions): number {
  const { relativeTolerance: rtol = 0.05, absoluteTolerance: atol = 0.0078 } = options;
  let sum = 0;
  for (let i = 0; i < low.data.length; i++) {
    const size = Math.max(Math.abs(low.data[i]!), Math.abs(lastLow.data[i]!));
    const allowed = Math.max(single(atol), single(rtol * size));
    sum += single(single(low.data[i]! - high.data[i]!) / allowed) ** 2;
  }
  return Math.sqrt(sum / low.data.length);
}

/** λ of the first and of the last positive sigma; undefined when they are the same or there is nothing to walk. */
function lambdaRange(sigmas: Float32Array): { from: number; to: number } | undefined {
  const positive = sigmas.filter((sigma) => sigma > 0);
  if (positive.length < 2) return undefined;
  const last = positive.at(-1)!;
  return { from: single(-Math.log(sigmas[0]!)), to: single(-Math.log(last)) };
}

function epsPredictor(denoise: Denoise): Predict {
  return async (x, lambda) => {
    const sigma = sigmaAt(lambda);
    const denoised = await denoise(x, sigma);
    return { data: x.data.map((value, i) => single(value - denoised.data[i]!) / sigma), shape: x.shape };
  };
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
  if (onStep) await onStep({ step, sigma, x, denoised: minus(x, sigma, eps) });
  return { x, lambda, eps };
}

/** Where to step to without noise, and the noise that then leads to `next`. */
function stochasticTarget(lambda: number, next: number, end: number, { eta = 0 }: SamplerOptions) {
  if (eta === 0) return { target: next, amount: 0 };
  const { sigmaDown } = ancestralSplit(sigmaAt(lambda), sigmaAt(next), eta);
  const target = Math.min(end, single(-Math.log(sigmaDown)));
  return { target, amount: Math.sqrt(Math.max(0, sigmaAt(next) ** 2 - sigmaAt(target) ** 2)) };
}

async function singleStep(predict: Predict, stand: Stand, next: number, order: number): Promise<Tensor> {
  const h = single(next - stand.lambda);
  if (order === 1) return firstOrder(stand, next, h);
  return order === 2 ? secondOrder(predict, stand, next, h) : (await embeddedStep(predict, stand, next)).high;
}

/** DPM-Solver-1 (eq. 3.7) over a λ-distance h that ends at `to`. */
function firstOrder({ x, eps }: Stand, to: number, h: number): Tensor {
  return minus(x, single(sigmaAt(to) * growth(h)), eps);
}

/** DPM-Solver-2 (Algorithm 1), r = 1/2. */
async function secondOrder(predict: Predict, stand: Stand, next: number, h: number): Promise<Tensor> {
  const middle = single(stand.lambda + single(h / 2));
  const epsMiddle = await predict(firstOrder(stand, middle, single(h / 2)), middle);
  return withSlope(stand, next, h, 0.5, difference(epsMiddle, stand.eps));
}

/** DPM-Solver-1 corrected by the change of eps seen at the share r of the step. */
function withSlope(stand: Stand, next: number, h: number, r: number, change: Tensor): Tensor {
  const weight = single(single(sigmaAt(next) / (2 * r)) * growth(h));
  return minus(firstOrder(stand, next, h), weight, change);
}

/** DPM-Solver-3 (Algorithm 2), r₁ = 1/3, r₂ = 2/3, and the DPM-Solver-2 solution its first inner evaluation gives. */
async function embeddedStep(
  predict: Predict,
  stand: Stand,
  next: number,
): Promise<{ low: Tensor; high: Tensor }> {
  const h = single(next - stand.lambda);
  const [hFirst, hSecond] = [single(THIRD * h), single(TWO_THIRDS * h)];
  const [first, second] = [single(stand.lambda + hFirst), single(stand.lambda + hSecond)];
  const changeFirst = difference(await predict(firstOrder(stand, first, hFirst), first), stand.eps);
  const low = withSlope(stand, next, h, THIRD, changeFirst);
  const weightSecond = single(single(sigmaAt(second) * (TWO_THIRDS / THIRD)) * bend(hSecond));
  const atSecond = minus(firstOrder(stand, second, hSecond), weightSecond, changeFirst);
  const changeSecond = difference(await predict(atSecond, second), stand.eps);
  const weightHigh = single(single(sigmaAt(next) / TWO_THIRDS) * bend(h));
  return { low, high: minus(firstOrder(stand, next, h), weightHigh, changeSecond) };
}

/** x - weight·y, product and difference rounded to single precision one after the other. */
function minus(x: Tensor, weight: number, y: Tensor): Tensor {
  return { data: x.data.map((value, i) => value - single(weight * y.data[i]!)), shape: x.shape };
}

function difference(x: Tensor, y: Tensor): Tensor {
  return { data: x.data.map((value, i) => value - y.data[i]!), shape: x.shape };
}
