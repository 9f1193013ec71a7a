/** Schedules: which noise levels a sampler visits, as functions of the model's sigmas and the number of steps. */
import { betaQuantile } from '../numerics/betaQuantile.ts';
import { linspace } from '../numerics/polynomials.ts';
import type { ModelSigmas } from './modelSigmas.ts';

/** Descending sigmas that end in 0; normally steps + 1 of them (ddim_uniform and beta may differ by a few). */
export type Schedule = (model: ModelSigmas, steps: number) => Float32Array<ArrayBuffer>;

const KARRAS_RHO = 7;
const BETA_SHAPE = 0.6;
const LINEAR_SHARE_OF_NOISE = 0.025;
/** A model whose last sigma is below this counts as noise-free there. */
const NO_NOISE = 1e-5;

/** Evenly spaced timesteps from the noisiest to the cleanest. */
const normal: Schedule = (model, steps) => {
  const [from, to] = timestepRange(model);
  if (model.sigmaOf(to) < NO_NOISE) return Float32Array.from(linspace(from, to, steps + 1), model.sigmaOf);
  return endingInZero(Array.from(linspace(from, to, steps), model.sigmaOf));
};

/** As `normal` with one timestep more and the last one left out (Stability's generative-models). */
const sgmUniform: Schedule = (model, steps) => {
  const [from, to] = timestepRange(model);
  return endingInZero(Array.from(linspace(from, to, steps + 1).subarray(0, steps), model.sigmaOf));
};

/** Karras et al. 2022, eq. 5, rho 7. */
const karras: Schedule = (model, steps) => {
  const root = (sigma: number): number => sigma ** (1 / KARRAS_RHO);
  const roots = linspace(root(model.sigmaMax), root(model.sigmaMin), steps);
  return endingInZero(Array.from(roots, (value) => value ** KARRAS_RHO));
};

/** Evenly spaced in log sigma. */
const exponential: Schedule = (model, steps) =>
  endingInZero(Array.from(linspace(Math.log(model.sigmaMax), Math.log(model.sigmaMin), steps), Math.exp));

/** Every (1000/steps)-th of the model's own sigmas, from the noisiest down. */
const simple: Schedule = ({ sigmas }, steps) => {
  const stride = sigmas.length / steps;
  return endingInZero(
    Array.from({ length: steps }, (_, i) => sigmas[sigmas.length - 1 - Math.floor(i * stride)]!),
  );
};

/** Timesteps 1, 1 + stride, 1 + 2·stride, … as DDIM takes them (Song et al. 2021, appendix D.2). */
const ddimUniform: Schedule = ({ sigmas }, steps) => {
  const noiseFree = sigmas[1]! < NO_NOISE;
  const stride = Math.max(Math.floor(sigmas.length / (noiseFree ? steps + 1 : steps)), 1);
  const ascending = Array.from(sigmas).filter((_, t) => t >= 1 && (t - 1) % stride === 0);
  return noiseFree ? Float32Array.from(ascending.reverse()) : endingInZero(ascending.reverse());
};

/** Timesteps at quantiles of Beta(0.6, 0.6): dense at both ends (Lee et al. 2024, "Beta sampling is all you need"). */
const beta: Schedule = ({ sigmas }, steps) => {
  const last = sigmas.length - 1;
  const timesteps = Array.from({ length: steps }, (_, i) =>
    roundHalfToEven(betaQuantile(1 - i / steps, BETA_SHAPE, BETA_SHAPE) * last),
  );
  return endingInZero(timesteps.filter((t, i) => t !== timesteps[i - 1]).map((t) => sigmas[t]!));
};

/** Half of the steps linear over the last 2.5 % of sigma, the others quadratic from there (Polyak et al. 2024, Movie Gen). */
const linearQuadratic: Schedule = ({ sigmaMax }, steps) => {
  if (steps === 1) return Float32Array.of(sigmaMax, 0);
  const linear = Math.floor(steps / 2);
  const quadratic = steps - linear;
  const difference = linear - LINEAR_SHARE_OF_NOISE * steps;
  const square = difference / (linear * quadratic ** 2);
  const slope = LINEAR_SHARE_OF_NOISE / linear - (2 * difference) / quadratic ** 2;
  const removed = (i: number): number =>
    i < linear ? (i * LINEAR_SHARE_OF_NOISE) / linear : square * i ** 2 + slope * i + square * linear ** 2;
  return endingInZero(Array.from({ length: steps }, (_, i) => (1 - removed(i)) * sigmaMax));
};

/** Evenly spaced in arctan sigma (Sabour et al. 2024, "Align your steps", eq. 25). */
const klOptimal: Schedule = ({ sigmaMin, sigmaMax }, steps) =>
  endingInZero(Array.from(linspace(Math.atan(sigmaMax), Math.atan(sigmaMin), steps), Math.tan));

export const SCHEDULES = {
  normal,
  karras,
  exponential,
  sgm_uniform: sgmUniform,
  simple,
  ddim_uniform: ddimUniform,
  beta,
  linear_quadratic: linearQuadratic,
  kl_optimal: klOptimal,
} as const satisfies Record<string, Schedule>;

function timestepRange(model: ModelSigmas): [number, number] {
  return [model.timestepOf(model.sigmaMax), model.timestepOf(model.sigmaMin)];
}

function endingInZero(sigmas: readonly number[]): Float32Array<ArrayBuffer> {
  return Float32Array.of(...sigmas, 0);
}

/** numpy.rint. */
function roundHalfToEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
