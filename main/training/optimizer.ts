/** AdamW as torch computes it, clipping by the global norm, and the moving average of the weights. */
import { type StepFactors, updateTensor } from './adamwKernel.ts';
import { createParameters, type Gradients, type ParameterSet, type Shapes, view } from './parameters.ts';

export interface AdamWSettings {
  readonly learningRate: number;
  /** Default 0.9. */
  readonly beta1?: number;
  /** Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** Decoupled: weights shrink by learningRate × weightDecay a step. Default 0.01. */
  readonly weightDecay?: number;
  /** Gradients are multiplied by it first: the clip factor, or 1 / number of accumulated batches. Default 1. */
  readonly gradientScale?: number;
}

export interface AdamWState {
  /** Steps taken. */
  step: number;
  /** Moving average of the gradients, and of their squares. */
  readonly mean: ParameterSet;
  readonly square: ParameterSet;
}

/** Averages of zero, before the first step. */
export function createAdamW(shapes: Shapes): AdamWState {
  return { step: 0, mean: createParameters(shapes), square: createParameters(shapes) };
}

/**
 * One AdamW step in place (Loshchilov & Hutter 2019, algorithm 2; torch.optim.AdamW):
 * p *= 1 − lr·wd; m = β₁m + (1−β₁)g; v = β₂v + (1−β₂)g²; p −= lr·(m/(1−β₁ᵗ)) / (√(v/(1−β₂ᵗ)) + ε).
 * Every parameter needs a gradient of its length: throws RangeError otherwise.
 */
export function adamWStep(
  parameters: ParameterSet,
  gradients: Gradients,
  state: AdamWState,
  settings: AdamWSettings,
): void {
  const factors = stepFactors(state.step + 1, settings);
  for (const [name, values] of parameters.views) gradientOf(gradients, name, values.length);
  for (const [name, values] of parameters.views) {
    updateTensor(values, gradients.get(name)!, view(state.mean, name), view(state.square, name), factors);
  }
  state.step += 1;
}

/** L2 norm over all gradients together (float64 sums). Infinity or NaN shows a run that has gone wrong. */
export function globalNorm(gradients: Gradients): number {
  let sum = 0;
  for (const values of gradients.values()) sum += squareSum(values);
  return Math.sqrt(sum);
}

/** What to multiply gradients of norm `norm` by so that it stays at most `maxNorm` (torch.nn.utils.clip_grad_norm_). */
export function clipFactor(norm: number, maxNorm: number): number {
  return Math.min(1, maxNorm / (norm + 1e-6));
}

/** average += (1 − decay)·(value − average) for every number. Lengths must agree: throws RangeError otherwise. */
export function updateAverage(average: ParameterSet, parameters: ParameterSet, decay: number): void {
  const [target, source] = [average.flat, parameters.flat];
  if (target.length !== source.length)
    throw new RangeError(`An average of ${target.length} numbers cannot follow ${source.length}`);
  const share = 1 - decay;
  for (let i = 0; i < target.length; i++) target[i]! += share * (source[i]! - target[i]!);
}

/** Everything that is the same for all numbers of a step, the bias corrections folded in. */
function stepFactors(step: number, settings: AdamWSettings): StepFactors {
  const {
    learningRate,
    beta1 = 0.9,
    beta2 = 0.999,
    epsilon = 1e-8,
    weightDecay = 0.01,
    gradientScale = 1,
  } = settings;
  return {
    keep: 1 - learningRate * weightDecay,
    rate: learningRate / (1 - beta1 ** step),
    rootScale: 1 / Math.sqrt(1 - beta2 ** step),
    beta1,
    beta2,
    epsilon,
    gradientScale,
  };
}

/** Four sums at once, so that an addition need not wait for the one before. */
function squareSum(values: Float32Array): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = values.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    a += values[i]! * values[i]!;
    b += values[i + 1]! * values[i + 1]!;
    c += values[i + 2]! * values[i + 2]!;
    d += values[i + 3]! * values[i + 3]!;
  }
  for (let i = whole; i < values.length; i++) a += values[i]! * values[i]!;
  return a + b + c + d;
}

function gradientOf(gradients: Gradients, name: string, length: number): void {
  const gradient = gradients.get(name);
  if (!gradient) throw new RangeError(`There is no gradient for parameter "${name}"`);
  if (gradient.length !== length)
    throw new RangeError(`The gradient of "${name}" has ${gradient.length} numbers, its parameter ${length}`);
}
