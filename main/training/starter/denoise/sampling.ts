/** Pictures from prompts over live parameters: DDIM with guidance (Song et al. 2021; Ho & Salimans 2022). */
import { betas, cumulativeAlphas } from '../../../pipeline/sigmas/alphas.ts';
import type { ParameterSet } from '../../parameters.ts';
import { LATENT_VALUES } from '../data/latents.ts';
import { normals, rng } from '../loop/normals.ts';
import { PICTURE_SIZE } from '../models.ts';
import { liveDecoder } from '../vae/vaeModel.ts';
import { type Denoiser, latentShape, liveDenoiser, liveText, type TextEncoder } from './denoiser.ts';

export interface StarterModels {
  readonly unet: ParameterSet;
  readonly vae: ParameterSet;
  /** The CLIP pair; its text half makes the context. */
  readonly clip: ParameterSet;
  readonly control?: ParameterSet;
}

export interface SamplingOptions {
  readonly steps: number;
  readonly guidanceScale: number;
  readonly seed: number;
  /** Latents to start from, one a prompt. */
  readonly init?: Float32Array;
  /** How much of the way down from pure noise is taken, 0–1; 1 when absent. */
  readonly denoisingStrength?: number;
  /** [prompts.length, 16 · 16]: 1 = repaint, 0 = keep what `init` shows there. */
  readonly mask?: Float32Array;
  /** Line drawings [prompts.length, 3, 128, 128] in 0–1 for the ControlNet. */
  readonly hints?: Float32Array;
}

/** Pictures sampled together. */
const BATCH = 16;
const ALPHAS = cumulativeAlphas(betas());

/** One picture a prompt: [prompts.length, 3, 128, 128], about −1…1. Each depends on seed and place in the list only. */
export async function samplePictures(
  models: StarterModels,
  prompts: readonly string[],
  options: SamplingOptions,
): Promise<Float32Array<ArrayBuffer>> {
  const denoiser = await liveDenoiser(models.unet, options.hints && models.control);
  const text = await liveText(models.clip);
  const decoder = await liveDecoder(models.vae, BATCH);
  const pictures = new Float32Array(prompts.length * 3 * PICTURE_SIZE ** 2);
  for (let first = 0; first < prompts.length; first += BATCH) {
    const part = { ...options, ...dataOf(options, first), seed: options.seed + first };
    const latent = await sampleLatents(denoiser, text, filled(prompts.slice(first, first + BATCH)), part);
    const { picture } = await decoder.run({ latent: { values: latent, shape: latentShape(BATCH) } });
    const room = pictures.subarray((first * picture!.length) / BATCH);
    room.set(picture!.subarray(0, Math.min(picture!.length, room.length)));
  }
  await Promise.all([denoiser.release(), text.release(), decoder.release()]);
  return pictures;
}

/** A whole batch: empty prompts at the end are painted and thrown away. */
function filled(prompts: readonly string[]): string[] {
  return [...prompts, ...new Array<string>(BATCH - prompts.length).fill('')];
}

/** The batch's part of everything given per prompt. */
function dataOf({ init, mask, hints }: SamplingOptions, first: number): Partial<SamplingOptions> {
  const cut = (values: Float32Array, size: number): Float32Array => {
    const part = new Float32Array(BATCH * size);
    part.set(values.subarray(first * size, (first + BATCH) * size));
    return part;
  };
  return {
    ...(init && { init: cut(init, LATENT_VALUES) }),
    ...(mask && { mask: cut(mask, LATENT_VALUES / 4) }),
    ...(hints && { hints: cut(hints, 3 * PICTURE_SIZE ** 2) }),
  };
}

async function sampleLatents(
  denoiser: Denoiser,
  text: TextEncoder,
  prompts: readonly string[],
  options: SamplingOptions,
): Promise<Float32Array<ArrayBuffer>> {
  const { steps, guidanceScale, seed, init, mask, denoisingStrength = 1, hints } = options;
  const context = await text.encode([...prompts, ...prompts.map(() => '')]);
  const noise = new Float32Array(prompts.length * LATENT_VALUES);
  normals(rng('sample', seed), noise);
  const path = Array.from({ length: steps }, (_, i) => Math.round(999 - (i * 999) / steps));
  const timesteps = path.slice(Math.round(steps * (1 - denoisingStrength)));
  const x = init && denoisingStrength < 1 ? noised(init, noise, ALPHAS[timesteps[0]!]!) : noise.slice();
  for (const [i, timestep] of timesteps.entries()) {
    const eps = await guidedNoise(denoiser, x, timestep, context, guidanceScale, hints);
    const [now, next] = [ALPHAS[timestep]!, i + 1 < timesteps.length ? ALPHAS[timesteps[i + 1]!]! : 1];
    step(x, eps, now, next);
    if (init && mask) keepOutside(x, noised(init, noise, next), mask);
  }
  return x;
}

/** DDIM without noise (eq. 12 with σ = 0), in place. */
function step(x: Float32Array, eps: Float32Array, now: number, next: number): void {
  for (let k = 0; k < x.length; k++) {
    const denoised = (x[k]! - Math.sqrt(1 - now) * eps[k]!) / Math.sqrt(now);
    x[k] = Math.sqrt(next) * denoised + Math.sqrt(1 - next) * eps[k]!;
  }
}

function noised(latent: Float32Array, noise: Float32Array, alpha: number): Float32Array<ArrayBuffer> {
  return Float32Array.from(latent, (value, k) => Math.sqrt(alpha) * value + Math.sqrt(1 - alpha) * noise[k]!);
}

/** x becomes `known` where the mask is 0; one mask for the four channels. */
function keepOutside(x: Float32Array, known: Float32Array, mask: Float32Array): void {
  const area = LATENT_VALUES / 4;
  for (let k = 0; k < x.length; k++) {
    const repaint = mask[Math.floor(k / LATENT_VALUES) * area + (k % area)]!;
    x[k] = repaint * x[k]! + (1 - repaint) * known[k]!;
  }
}

async function guidedNoise(
  denoiser: Denoiser,
  x: Float32Array,
  timestep: number,
  context: Float32Array<ArrayBuffer>,
  guidanceScale: number,
  hints: Float32Array | undefined,
): Promise<Float32Array> {
  const noise = await denoiser.predict(twice(x), timestep, context, hints && twice(hints));
  const [positive, negative] = [noise.subarray(0, x.length), noise.subarray(x.length)];
  return positive.map((value, k) => negative[k]! + guidanceScale * (value - negative[k]!));
}

function twice(values: Float32Array): Float32Array<ArrayBuffer> {
  const both = new Float32Array(2 * values.length);
  both.set(values);
  both.set(values, values.length);
  return both;
}
