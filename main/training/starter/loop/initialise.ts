/** First values of parameters: torch's defaults, and the exceptions each model lists by name. */
import { createParameters, type ParameterSet, type Shapes } from '../../parameters.ts';
import { normals, type Rng, rng } from './normals.ts';

/** Fills one tensor in place. */
export type Filler = (values: Float32Array, shape: readonly number[], random: Rng) => void;
/** First match wins; names no rule matches get torch's default. */
export type InitialRules = readonly (readonly [RegExp, Filler])[];

/** Nothing at first. */
export const zeros: Filler = (values) => {
  values.fill(0);
};
/** Hands on what it is given, as scales of norms begin. */
export const ones: Filler = (values) => {
  values.fill(1);
};
export const gaussian =
  (deviation: number): Filler =>
  (values, _shape, random) =>
    normals(random, values, deviation);
/** Gaussian that keeps the variance of its input: deviation 1/√fan-in. */
export const preserving: Filler = (values, shape, random) =>
  normals(random, values, 1 / Math.sqrt(fanIn(shape)));
/** Keeps the variance through a rectifier: deviation √(2/fan-in) (He et al. 2015, eq. 10). */
export const rectified: Filler = (values, shape, random) =>
  normals(random, values, Math.sqrt(2 / fanIn(shape)));
/** torch's nn.Linear and nn.Conv2d: uniform in ±1/√fan-in (He et al. 2015 with a = √5). */
const torchDefault: Filler = (values, shape, random) => {
  const bound = 1 / Math.sqrt(fanIn(shape));
  for (let i = 0; i < values.length; i++) values[i] = random.between(-bound, bound);
};
/** A convolution that hands every channel on unchanged: `taps` (row, column) share the weight 1. */
export const identityConv =
  (...taps: readonly (readonly [number, number])[]): Filler =>
  (values, [out, inner, height, width]) => {
    values.fill(0);
    for (let channel = 0; channel < Math.min(out!, inner!); channel++)
      for (const [row, column] of taps)
        values[((channel * inner! + channel) * height! + row) * width! + column] = 1 / taps.length;
  };

function fanIn(shape: readonly number[]): number {
  return Math.max(
    1,
    shape.slice(1).reduce((product, size) => product * size, 1),
  );
}

/** New parameters by `rules`; norms start as 1 and 0, biases as 0. The same seed gives the same numbers. */
export function initialise(shapes: Shapes, rules: InitialRules, seed: number): ParameterSet {
  const set = createParameters(shapes);
  for (const [name, shape] of shapes)
    fillerOf(name, shape, rules)(set.views.get(name)!, shape, rng(seed, name));
  return set;
}

function fillerOf(name: string, shape: readonly number[], rules: InitialRules): Filler {
  const rule = rules.find(([pattern]) => pattern.test(name));
  if (rule) return rule[1];
  if (name.endsWith('bias')) return zeros;
  return shape.length === 1 ? ones : torchDefault;
}
