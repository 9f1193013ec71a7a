/**
 * Schedules: which noise levels a sampler visits, as functions of the model's sigmas and the number of steps.
 * Rounded to single precision where the references round: see singleLinspace for why it matters.
 */
import { betaQuantile } from '../numerics/betaQuantile.ts';
import { singleLinspace } from '../numerics/polynomials.ts';
import { roundHalfEven } from '../numerics/rounding.ts';
import type { ModelSigmas } from './modelSigmas.ts';

/** Descending sigmas that end in 0; normally steps + 1 of them (ddim_uniform and beta may differ by a few). */
export type Schedule = (model: ModelSigmas, steps: number) => Float32Array<ArrayBuffer>;

const single = Math.fround;
const KARRAS_RHO = 7;
const BETA_SHAPE = 0.6;
const LINEAR_SHARE_OF_NOISE = 0.025;
/** A model whose last sigma is below this counts as noise-free there. */
const NO_NOISE = 1e-5;

/** Evenly spaced timesteps from the noisiest to the cleanest. */
const normal: Schedule = (model, steps) => {
  const [from, to] = timestepRange(model);
  if (model.sigmaOf(to) < NO_NOISE) return singleLinspace(from, to, steps + 1).map(model.sigmaOf);
  return endingInZero(singleLinspace(from, to, steps).map(model.sigmaOf));
};

/** As `normal` with one timestep more and the last one left out (Stability's generative-models). */
const sgmUniform: Schedule = (model, steps) => {
  const [from, to] = timestepRange(model);
  return endingInZero(
    singleLinspace(from, to, steps + 1)
      .subarray(0, steps)
      .map(model.sigmaOf),
  );
};

/** Karras et al. 2022, eq. 5, rho 7. */
const karras: Schedule = (model, steps) => {
  const from = model.sigmaMax ** (1 / KARRAS_RHO);
  const change = single(model.sigmaMin ** (1 / KARRAS_RHO) - from);
  const root = (ramp: number): number => single(single(from) + single(ramp * change));
  return endingInZero(singleLinspace(0, 1, steps).map((ramp) => root(ramp) ** KARRAS_RHO));
};

/** Evenly spaced in log sigma. */
const exponential: Schedule = (model, steps) =>
  endingInZero(singleLinspace(Math.log(model.sigmaMax), Math.log(model.sigmaMin), steps).map(Math.exp));

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
    roundHalfEven(betaQuantile(1 - i / steps, BETA_SHAPE, BETA_SHAPE) * last),
  );
  return endingInZero(timesteps.filter((t, i) => t !== timesteps[i - 1]).map((t) => sigmas[t]!));
};

/** Half of the steps linear over the first 2.5 % of the way down, the others quadratic from there (Polyak et al. 2024, Movie Gen). */
const linearQuadratic: Schedule = ({ sigmaMax }, steps) => {
  if (steps === 1) return Float32Array.of(sigmaMax, 0);
  const linear = Math.floor(steps / 2);
  const quadratic = steps - linear;
  const difference = linear - LINEAR_SHARE_OF_NOISE * steps;
  const square = difference / (linear * quadratic ** 2);
  const slope = LINEAR_SHARE_OF_NOISE / linear - (2 * difference) / quadratic ** 2;
  const removed = (i: number): number =>
    i < linear ? (i * LINEAR_SHARE_OF_NOISE) / linear : square * i ** 2 + slope * i + square * linear ** 2;
  return endingInZero(Array.from({ length: steps }, (_, i) => single(1 - removed(i)) * sigmaMax));
};

/** Evenly spaced in arctan sigma (Sabour et al. 2024, "Align your steps", eq. 25). */
const klOptimal: Schedule = ({ sigmaMin, sigmaMax }, steps) => {
  const [low, high] = [single(Math.atan(sigmaMin)), single(Math.atan(sigmaMax))];
  const angle = (share: number): number => single(single(share * low) + single(single(1 - share) * high));
  return endingInZero(
    Array.from({ length: steps }, (_, i) => Math.tan(angle(steps > 1 ? single(i / (steps - 1)) : 0))),
  );
};

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

function endingInZero(sigmas: Iterable<number>): Float32Array<ArrayBuffer> {
  return Float32Array.of(...sigmas, 0);
}
