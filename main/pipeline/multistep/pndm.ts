/** PNDM (Liu et al. 2022, "Pseudo numerical methods for diffusion models on manifolds"): the sampler SD 1.x shipped with. */
import type { Denoise, Sampler, SamplerOptions } from '../samplers/sampler.ts';
import { type Term, weightedSum } from '../samplers/updates.ts';
import type { Tensor } from '../tensor.ts';
import { EQUAL_STEP_WEIGHTS } from './adams.ts';

/** What the multistep formula mixes: eps as published, or the velocity, as diffusers does for v-prediction models. */
export type PndmQuantity = 'eps' | 'velocity';

const HISTORY = 4;
/** The pseudo Runge–Kutta start: three steps of four evaluations. */
const RUNGE_KUTTA_STEPS = 3;
const RUNGE_KUTTA_EVALUATIONS = 4;

/** The walk so far, shared by both ways of starting. `seen` are the mixed quantities of earlier steps, newest first. */
interface Course {
  readonly sigmas: Float32Array;
  readonly quantity: PndmQuantity;
  readonly seen: Tensor[];
  readonly look: (x: Tensor, index: number) => Promise<Tensor>;
}

/**
 * PLMS: pseudo linear multistep, started by a step that is taken, looked back from, and retaken (diffusers'
 * `skip_prk_steps`). Visits sigmas 0, 1, 1, 2, 3, …: the second sigma must be in `sigmas` twice (see withSecondRepeated).
 * Where it is not, because image-to-image began later, the latent is read as if at the next sigma, as diffusers does.
 */
export function pndmWith(quantity: PndmQuantity): Sampler {
  return async (denoise, start, sigmas, options) => {
    if (sigmas.length < 2) return start;
    const course = setOut(quantity, denoise, sigmas, options);
    const [from, to] = [sigmas[0]!, sigmas[1]!];
    const first = await course.look(start, 0);
    course.seen.push(first);
    const tried = moved(course, start, from, to, [[1, first]]);
    if (sigmas.length === 2) return tried;
    const back = await course.look(tried, 1);
    const retaken = moved(course, start, from, to, [
      [1 / 2, first],
      [1 / 2, back],
    ]);
    return linearMultistep(course, reread(retaken, to, sigmas[2]!), 2);
  };
}

/** PLMS on eps: what Stable Diffusion 1.x was released with. */
export const pndm: Sampler = pndmWith('eps');

/**
 * PNDM as published (Algorithm 2): three pseudo Runge–Kutta steps, then PLMS. `sigmas` are every sigma the model is
 * asked at: for each of the first three steps its start, its middle twice and its end, then one for each further step.
 */
export function pndmRungeKutta(quantity: PndmQuantity): Sampler {
  return async (denoise, start, sigmas, options) => {
    const course = setOut(quantity, denoise, sigmas, options);
    let x = start;
    for (let step = 0; step < RUNGE_KUTTA_STEPS; step++)
      x = await rungeKutta(course, x, step * RUNGE_KUTTA_EVALUATIONS);
    return linearMultistep(course, x, RUNGE_KUTTA_STEPS * RUNGE_KUTTA_EVALUATIONS);
  };
}

/** One step by the classical weights 1/6, 1/3, 1/3, 1/6; only its first evaluation enters the history. */
async function rungeKutta(course: Course, x: Tensor, index: number): Promise<Tensor> {
  const [from, middle, end] = [course.sigmas[index]!, course.sigmas[index + 1]!, course.sigmas[index + 3]!];
  const k1 = await course.look(x, index);
  course.seen.unshift(k1);
  const k2 = await course.look(moved(course, x, from, middle, [[1, k1]]), index + 1);
  const k3 = await course.look(moved(course, x, from, middle, [[1, k2]]), index + 2);
  const k4 = await course.look(moved(course, x, from, end, [[1, k3]]), index + 3);
  return moved(course, x, from, end, [
    [1 / 6, k1],
    [1 / 3, k2],
    [1 / 3, k3],
    [1 / 6, k4],
  ]);
}

/** sigmas as `pndm` visits them: the second one, if there is one before the last, twice. */
export function withSecondRepeated(sigmas: Float32Array): Float32Array<ArrayBuffer> {
  if (sigmas.length < 3) return sigmas.slice();
  return Float32Array.of(sigmas[0]!, sigmas[1]!, ...sigmas.subarray(1));
}

function setOut(
  quantity: PndmQuantity,
  denoise: Denoise,
  sigmas: Float32Array,
  options: SamplerOptions,
): Course {
  const look = async (x: Tensor, step: number): Promise<Tensor> => {
    options.signal?.throwIfAborted();
    const sigma = sigmas[step]!;
    const denoised = await denoise(x, sigma);
    await options.onStep?.({ step, sigma, x, denoised });
    // eps = (x - D)/σ; v = α·eps - σ·α·D with α = 1/√(1+σ²).
    if (quantity === 'eps') return weightedSum([1 / sigma, x], [-1 / sigma, denoised]);
    const share = 1 / (sigma * Math.sqrt(1 + sigma ** 2));
    return weightedSum([share, x], [-share * (1 + sigma ** 2), denoised]);
  };
  return { sigmas, quantity, seen: [], look };
}

/** Adams–Bashforth steps over the remaining sigmas with the weights of eq. 9. */
async function linearMultistep(course: Course, start: Tensor, from: number): Promise<Tensor> {
  const { sigmas, seen } = course;
  let x = start;
  for (let i = from; i + 1 < sigmas.length; i++) {
    seen.unshift(await course.look(x, i));
    seen.length = Math.min(seen.length, HISTORY);
    const weights = EQUAL_STEP_WEIGHTS[seen.length - 1]!;
    x = moved(
      course,
      x,
      sigmas[i]!,
      sigmas[i + 1]!,
      seen.map((value, k): Term => [weights[k]!, value]),
    );
  }
  return x;
}

/** The transfer of eq. 11, in sigma space x + (to - from)·eps, with eps or the velocity given as a mix. */
function moved({ quantity }: Course, x: Tensor, from: number, to: number, mix: readonly Term[]): Tensor {
  const alpha = quantity === 'eps' ? 1 : 1 / Math.sqrt(1 + from ** 2);
  // eps = α·v + σ·α²·x
  const own = quantity === 'eps' ? 0 : (to - from) * from * alpha ** 2;
  return weightedSum(
    [1 + own, x],
    ...mix.map(([weight, value]): Term => [(to - from) * alpha * weight, value]),
  );
}

/** A latent at one sigma taken for one at another: its variance-preserving form x/√(1+σ²) stays. */
function reread(x: Tensor, from: number, to: number): Tensor {
  return from === to ? x : weightedSum([Math.sqrt((1 + to ** 2) / (1 + from ** 2)), x]);
}
