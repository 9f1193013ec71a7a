/** PNDM (Liu et al. 2022, "Pseudo numerical methods for diffusion models on manifolds"): the sampler SD 1.x shipped with. */
import type { Denoise, Sampler, SamplerOptions } from '../samplers/sampler.ts';
import { slope, type Term, weightedSum } from '../samplers/updates.ts';
import type { Tensor } from '../tensor.ts';
import { EQUAL_STEP_WEIGHTS } from './adams.ts';

const HISTORY = 4;

/** The walk so far, shared by both ways of starting. `slopes` are newest first. */
interface Course {
  readonly look: (x: Tensor, index: number) => Promise<Tensor>;
  readonly slopes: Tensor[];
  readonly sigmas: Float32Array;
}

/**
 * PLMS: pseudo linear multistep, started by a step that is taken, looked back from, and retaken (diffusers'
 * `skip_prk_steps`). Visits sigmas 0, 1, 1, 2, 3, …: the second sigma must be in `sigmas` twice (see withSecondRepeated).
 * Where it is not, because image-to-image began later, the latent is read as if at the next sigma, as diffusers does.
 */
export const pndm: Sampler = async (denoise, start, sigmas, options) => {
  if (sigmas.length < 2) return start;
  const course = setOut(denoise, sigmas, options);
  const first = await course.look(start, 0);
  course.slopes.push(first);
  const tried = moved(start, sigmas[0]!, sigmas[1]!, [[1, first]]);
  if (sigmas.length === 2) return tried;
  const back = await course.look(tried, 1);
  const retaken = moved(start, sigmas[0]!, sigmas[1]!, [
    [1 / 2, first],
    [1 / 2, back],
  ]);
  return linearMultistep(course, reread(retaken, sigmas[1]!, sigmas[2]!), 2);
};

/**
 * PNDM as published (Algorithm 2): three pseudo Runge–Kutta steps, then PLMS. `sigmas` are every sigma the model is
 * asked at: for each of the first three steps its start, its middle twice and its end, then one for each further step.
 */
export const pndmRungeKutta: Sampler = async (denoise, start, sigmas, options) => {
  const course = setOut(denoise, sigmas, options);
  let x = start;
  let index = 0;
  for (; index < 12; index += 4) {
    const [from, middle, end] = [sigmas[index]!, sigmas[index + 1]!, sigmas[index + 3]!];
    const k1 = await course.look(x, index);
    course.slopes.unshift(k1);
    const k2 = await course.look(moved(x, from, middle, [[1, k1]]), index + 1);
    const k3 = await course.look(moved(x, from, middle, [[1, k2]]), index + 2);
    const k4 = await course.look(moved(x, from, end, [[1, k3]]), index + 3);
    x = moved(x, from, end, [
      [1 / 6, k1],
      [1 / 3, k2],
      [1 / 3, k3],
      [1 / 6, k4],
    ]);
  }
  return linearMultistep(course, x, index);
};

/** sigmas as `pndm` visits them: the second one, if there is one before the last, twice. */
export function withSecondRepeated(sigmas: Float32Array): Float32Array<ArrayBuffer> {
  if (sigmas.length < 3) return sigmas.slice();
  return Float32Array.of(sigmas[0]!, sigmas[1]!, ...sigmas.subarray(1));
}

function setOut(denoise: Denoise, sigmas: Float32Array, { signal, onStep }: SamplerOptions): Course {
  const look = async (x: Tensor, step: number): Promise<Tensor> => {
    signal?.throwIfAborted();
    const sigma = sigmas[step]!;
    const denoised = await denoise(x, sigma);
    await onStep?.({ step, sigma, x, denoised });
    return slope(x, sigma, denoised);
  };
  return { look, slopes: [], sigmas };
}

/** Adams–Bashforth steps over the remaining sigmas with the weights of eq. 9. */
async function linearMultistep(
  { look, slopes, sigmas }: Course,
  start: Tensor,
  from: number,
): Promise<Tensor> {
  let x = start;
  for (let i = from; i + 1 < sigmas.length; i++) {
    slopes.unshift(await look(x, i));
    slopes.length = Math.min(slopes.length, HISTORY);
    const weights = EQUAL_STEP_WEIGHTS[slopes.length - 1]!;
    x = moved(
      x,
      sigmas[i]!,
      sigmas[i + 1]!,
      slopes.map((d, k): Term => [weights[k]!, d]),
    );
  }
  return x;
}

/** x + (to - from)·Σ weight·slope: the transfer of eq. 11 carried to sigma space. */
function moved(x: Tensor, from: number, to: number, slopes: readonly Term[]): Tensor {
  return weightedSum([1, x], ...slopes.map(([weight, d]): Term => [(to - from) * weight, d]));
}

/** A latent at one sigma taken for one at another: its variance-preserving form x/√(1+σ²) stays. */
function reread(x: Tensor, from: number, to: number): Tensor {
  return from === to ? x : weightedSum([Math.sqrt((1 + to ** 2) / (1 + from ** 2)), x]);
}
