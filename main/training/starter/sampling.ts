/** Pictures from prompts while training: DDIM with guidance over live parameters (Song et al. 2021; Ho & Salimans 2022). */
import { input } from '../../../native-models/graph/value.ts';
import { clipText } from '../../../native-models/models/clip.ts';
import { unet } from '../../../native-models/models/unet.ts';
import { betas, cumulativeAlphas } from '../../pipeline/sigmas/alphas.ts';
import type { ParameterSet } from '../parameters.ts';
import { captionTokens } from './captionTokens.ts';
import { LATENT_VALUES } from './latents.ts';
import { type LiveModel, liveModel } from './model.ts';
import { LATENT_SIZE, STARTER_TEXT, STARTER_UNET } from './models.ts';
import { normals, rng } from './normals.ts';
import { TEXT_PREFIX } from './unetLoss.ts';
import { liveDecoder } from './vaeModel.ts';

export interface StarterModels {
  readonly unet: ParameterSet;
  readonly vae: ParameterSet;
  /** The CLIP pair; its text half makes the context. */
  readonly clip: ParameterSet;
}

export interface SamplingOptions {
  readonly steps: number;
  readonly guidanceScale: number;
  readonly seed: number;
}

/** Pictures sampled together. */
const BATCH = 16;
const CONTEXT_VALUES = STARTER_TEXT.contextLength * STARTER_TEXT.width;

/** One picture a prompt: [prompts.length, 3, 128, 128], about −1…1. Each depends on seed and place in the list only. */
export async function samplePictures(
  models: StarterModels,
  prompts: readonly string[],
  options: SamplingOptions,
): Promise<Float32Array<ArrayBuffer>> {
  const denoiser = await liveUnet(models.unet);
  const text = await liveText(models.clip);
  const decoder = await liveDecoder(models.vae, BATCH);
  const batches: Float32Array[] = [];
  for (let first = 0; first < prompts.length; first += BATCH) {
    const part = prompts.slice(first, first + BATCH);
    const padded = [...part, ...new Array<string>(BATCH - part.length).fill('')];
    const latent = await sampleLatents(denoiser, text, padded, { ...options, seed: options.seed + first });
    const { picture } = await decoder.run({ latent: { values: latent, shape: latentShape(BATCH) } });
    batches.push(picture!.subarray(0, (picture!.length / BATCH) * part.length));
  }
  await Promise.all([denoiser.release(), text.release(), decoder.release()]);
  return joined(batches);
}

async function sampleLatents(
  denoiser: LiveModel,
  text: LiveModel,
  prompts: readonly string[],
  { steps, guidanceScale, seed }: SamplingOptions,
): Promise<Float32Array<ArrayBuffer>> {
  const count = prompts.length;
  const context = await contexts(text, [...prompts, ...prompts.map(() => '')]);
  const alphas = cumulativeAlphas(betas());
  const x = new Float32Array(count * LATENT_VALUES);
  normals(rng('sample', seed), x);
  const timesteps = Array.from({ length: steps }, (_, i) => Math.round(999 - (i * 999) / steps));
  for (const [i, timestep] of timesteps.entries()) {
    const eps = await guidedNoise(denoiser, x, timestep, context, guidanceScale);
    const [now, next] = [alphas[timestep]!, i + 1 < steps ? alphas[timesteps[i + 1]!]! : 1];
    for (let k = 0; k < x.length; k++) {
      const denoised = (x[k]! - Math.sqrt(1 - now) * eps[k]!) / Math.sqrt(now);
      x[k] = Math.sqrt(next) * denoised + Math.sqrt(1 - next) * eps[k]!;
    }
  }
  return x;
}

async function guidedNoise(
  denoiser: LiveModel,
  x: Float32Array,
  timestep: number,
  context: Float32Array<ArrayBuffer>,
  guidanceScale: number,
): Promise<Float32Array> {
  const count = x.length / LATENT_VALUES;
  const { noise } = await denoiser.run({
    latent: { values: joined([x, x]), shape: latentShape(2 * count) },
    timestep: { values: new Float32Array(2 * count).fill(timestep), shape: [2 * count] },
    context: { values: context, shape: [2 * count, STARTER_TEXT.contextLength, STARTER_TEXT.width] },
  });
  const [positive, negative] = [noise!.subarray(0, x.length), noise!.subarray(x.length)];
  return positive.map((value, k) => negative[k]! + guidanceScale * (value - negative[k]!));
}

async function contexts(text: LiveModel, prompts: readonly string[]): Promise<Float32Array<ArrayBuffer>> {
  const values = captionTokens(prompts, STARTER_TEXT.contextLength);
  const { context } = await text.run({ tokenIds: { values, shape: [prompts.length, STARTER_TEXT.contextLength] } });
  return context!.slice(0, prompts.length * CONTEXT_VALUES);
}

export function liveUnet(parameters: ParameterSet): Promise<LiveModel> {
  const latent = input('latent', 'float32', ['batch', STARTER_UNET.inChannels, LATENT_SIZE, LATENT_SIZE]);
  const timestep = input('timestep', 'float32', ['batch']);
  const context = input('context', 'float32', ['batch', STARTER_TEXT.contextLength, STARTER_TEXT.width]);
  return liveModel(parameters, (scope) => ({ noise: unet(scope, STARTER_UNET, { latent, timestep, context }) }));
}

export function liveText(clip: ParameterSet): Promise<LiveModel> {
  const tokenIds = input('tokenIds', 'int64', ['batch', STARTER_TEXT.contextLength]);
  return liveModel(clip, (scope) => ({
    context: clipText(scope.at(TEXT_PREFIX), STARTER_TEXT, { tokenIds }).embeddings[0]!,
  }));
}

function latentShape(count: number): number[] {
  return [count, STARTER_UNET.inChannels, LATENT_SIZE, LATENT_SIZE];
}

function joined(parts: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}
