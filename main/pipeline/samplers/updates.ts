/** The arithmetic samplers are written in: weighted sums of latents, slopes, and the two ways of adding noise on the way. */
import type { Tensor } from '../tensor.ts';
import type { Place, SamplerOptions } from './sampler.ts';

export type Term = readonly [weight: number, tensor: Tensor];

/**
 * Σ weight·tensor as a new tensor of the first term's shape, accumulated in double precision.
 * Terms of weight 0 are not looked at, so a coefficient that vanishes cannot spread NaN.
 */
export function weightedSum(...terms: readonly [Term, ...Term[]]): Tensor {
  const { shape, data: first } = terms[0][1];
  const data = new Float32Array(first.length);
  const active = terms.filter(([weight]) => weight !== 0);
  if (active.length === 2) addTwo(data, active[0]!, active[1]!);
  else if (active.length === 3) addThree(data, active[0]!, active[1]!, active[2]!);
  else addAll(data, active);
  return { data, shape };
}

/** dx/dσ of the probability-flow ODE (Karras et al. 2022, eqs. 1 and 3): the unit noise that the model sees in x. */
export function slope(x: Tensor, sigma: number, denoised: Tensor): Tensor {
  return weightedSum([1 / sigma, x], [-1 / sigma, denoised]);
}

/** x + (sigmaNext - sigma)·(x - denoised)/sigma: Euler's step, written as the mix of x and denoised that it is. */
export function eulerStep(x: Tensor, denoised: Tensor, sigma: number, sigmaNext: number): Tensor {
  const keep = sigmaNext / sigma;
  return weightedSum([keep, x], [1 - keep, denoised]);
}

export interface AncestralSplit {
  readonly sigmaDown: number;
  readonly sigmaUp: number;
}

/**
 * An ancestral step goes below the next sigma without noise, then comes back up with fresh noise:
 * sigmaDown² + sigmaUp² = sigmaNext². eta 1 renews as much as DDPM does (Song et al. 2021, DDIM, eq. 16), eta 0 nothing.
 */
export function ancestralSplit(sigma: number, sigmaNext: number, eta: number): AncestralSplit {
  const full = Math.sqrt((sigmaNext ** 2 * (sigma ** 2 - sigmaNext ** 2)) / sigma ** 2);
  const sigmaUp = Math.min(sigmaNext, eta * full);
  return { sigmaDown: Math.sqrt(sigmaNext ** 2 - sigmaUp ** 2), sigmaUp };
}

/** Adds `amount` of step noise; an amount of 0 asks for none. */
export function withNoise(
  x: Tensor,
  amount: number,
  sigma: number,
  sigmaNext: number,
  { noise, noiseScale = 1 }: SamplerOptions,
): Tensor {
  const weight = amount * noiseScale;
  return weight === 0 ? x : weightedSum([1, x], [weight, noise(sigma, sigmaNext)]);
}

/** Karras et al. 2022, Algorithm 2, lines 4–6: raises the noise level a little before each of `steps` steps. */
export function churn(options: SamplerOptions, steps: number): (place: Place) => Place {
  const { churn: amount = 0, churnMin = 0, churnMax = Number.POSITIVE_INFINITY } = options;
  const gamma = Math.min(amount / steps, Math.SQRT2 - 1);
  return (place) => {
    const { x, sigma } = place;
    if (gamma <= 0 || sigma < churnMin || sigma > churnMax) return place;
    const raised = sigma * (1 + gamma);
    return { x: withNoise(x, Math.sqrt(raised ** 2 - sigma ** 2), sigma, raised, options), sigma: raised };
  };
}

function addTwo(out: Float32Array, [a, x]: Term, [b, y]: Term): void {
  const [xs, ys] = [x.data, y.data];
  for (let i = 0; i < out.length; i++) out[i] = a * xs[i]! + b * ys[i]!;
}

function addThree(out: Float32Array, [a, x]: Term, [b, y]: Term, [c, z]: Term): void {
  const [xs, ys, zs] = [x.data, y.data, z.data];
  for (let i = 0; i < out.length; i++) out[i] = a * xs[i]! + b * ys[i]! + c * zs[i]!;
}

function addAll(out: Float32Array, terms: readonly Term[]): void {
  const weights = terms.map(([weight]) => weight);
  const sources = terms.map(([, tensor]) => tensor.data);
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (let k = 0; k < weights.length; k++) sum += weights[k]! * sources[k]![i]!;
    out[i] = sum;
  }
}
