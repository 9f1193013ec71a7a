/** The forward process q(x_t | x_0): noising a clean latent, in sigma space (samplers) and in alpha space (training). */
import type { Tensor } from '../tensor.ts';

/** Relative distance from the model's largest sigma up to which a start counts as pure noise. */
const SAME_SIGMA = 1e-5;

/** √ᾱ·latent + √(1-ᾱ)·noise (Ho et al. 2020, DDPM, eq. 4): `add_noise`, variance preserving. */
export function addNoise(latent: Tensor, noise: Tensor, alpha: number): Tensor {
  return mixed(Math.sqrt(alpha), latent, Math.sqrt(1 - alpha), noise);
}

/** √ᾱ·noise - √(1-ᾱ)·latent (Salimans & Ho 2022, appendix D): what v-prediction models are trained to say. */
export function velocity(latent: Tensor, noise: Tensor, alpha: number): Tensor {
  return mixed(Math.sqrt(alpha), noise, -Math.sqrt(1 - alpha), latent);
}

/** latent + sigma·noise (Karras et al. 2022, §2): variance exploding, as samplers walk. */
export function atSigma(latent: Tensor, noise: Tensor, sigma: number): Tensor {
  return mixed(1, latent, sigma, noise);
}

/** Whether a walk from `sigma` starts at the model's largest noise, where nothing is left of any picture. */
export function isPureNoise(sigma: number, sigmaMax: number): boolean {
  return sigma > sigmaMax || Math.abs(sigma - sigmaMax) <= SAME_SIGMA * Math.max(sigma, sigmaMax);
}

/**
 * Where a sampler starts. Pure noise is widened to √(1+sigma²), the standard deviation that a picture of unit variance
 * would have under it (ComfyUI's max_denoise).
 */
export function startLatent(latent: Tensor, noise: Tensor, sigma: number, pureNoise: boolean): Tensor {
  return atSigma(latent, noise, pureNoise ? Math.sqrt(1 + sigma ** 2) : sigma);
}

function mixed(a: number, x: Tensor, b: number, y: Tensor): Tensor {
  const data = new Float32Array(x.data.length);
  for (let i = 0; i < data.length; i++) data[i] = a * x.data[i]! + b * y.data[i]!;
  return { data, shape: x.shape };
}
