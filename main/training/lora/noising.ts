/** What is drawn by lot at a step: timesteps, noise, mirrored pictures and dropped captions, all from seed and step. */
import type { PredictionType } from '../../../native-models/models/configs.ts';
import type { LoraTrainingRequest } from '../../../preload/training.ts';
import { trainedAlphas } from '../../pipeline/sigmas/alphas.ts';
import type { Tensor } from '../../pipeline/tensor.ts';
import { hash, type Rng, rng } from '../random.ts';
import type { Batch, BatchTensor } from '../session.ts';
import type { BaseModel } from './baseModel.ts';
import type { EncodedCaption } from './captions.ts';
import { captionTokens, sizedVector } from './captions.ts';
import type { TrainingPicture } from './dataset.ts';
import type { PlannedBatch } from './plan.ts';

export interface BatchSource {
  readonly request: LoraTrainingRequest;
  readonly model: BaseModel;
  readonly pictures: readonly TrainingPicture[];
  readonly captions: ReadonlyMap<string, EncodedCaption>;
  /** The text encoder learns: the graph takes token ids. */
  readonly trainsText: boolean;
}

/** The graph inputs of a step (see denoising.ts in native-models/training). */
export function drawBatch(source: BatchSource, planned: PlannedBatch, step: number): Batch {
  const { request, model, pictures, trainsText } = source;
  const random = rng(hash('step', request.seed, step));
  const items = planned.pictures.map((index) => pictures[index]!);
  const latents = items.map(({ latents }) => random.pick(latents));
  const texts = items.map(({ caption }) => (random.chance(request.captionDropout) ? '' : caption));
  const trained = trainedAlphas(model.config);
  const timesteps = items.map(() => Math.floor(random.next() * trained.length));
  const alphas = timesteps.map((timestep) => trained[timestep]!);
  const noise = items.map((_, i) => drawNoise(latents[i]!, request.noiseOffset, random));
  const { predictionType } = model.config;
  return {
    latent: stacked(latents),
    noise: stacked(noise),
    timestep: perItem(timesteps),
    signal: perItem(alphas.map(Math.sqrt)),
    spread: perItem(alphas.map((alpha) => Math.sqrt(1 - alpha))),
    itemWeights: perItem(alphas.map((alpha) => snrWeight(alpha, request.minSnrGamma, predictionType))),
    ...(trainsText ? { tokenIds: tokensOf(model, texts) } : { context: contextOf(source, texts) }),
    ...(model.config.unet.admChannels > 0 && { y: vectorsOf(source, texts, planned) }),
  };
}

/**
 * Min-SNR weighting (Hang et al. 2023, eq. 4 and its form for v): min(γ, SNR)/SNR for eps, /(SNR + 1) for v;
 * γ = 0 weighs all timesteps alike. SNR = ᾱ/(1 − ᾱ), which may be 0.
 */
export function snrWeight(alpha: number, gamma: number, predictionType: PredictionType): number {
  if (gamma === 0) return 1;
  const snr = alpha / (1 - alpha);
  return predictionType === 'v' ? Math.min(gamma, snr) / (snr + 1) : Math.min(gamma / snr, 1);
}

/** Unit normals (Box & Muller 1958), plus one more, `offset` strong, for every channel (noise offset, N. Guttenberg 2023). */
function drawNoise({ data, shape }: Tensor, offset: number, random: Rng): Tensor {
  const plane = shape[2]! * shape[3]!;
  const noise = Float32Array.from(data, () => normal(random));
  if (offset > 0) {
    for (let channel = 0; channel < noise.length / plane; channel++) {
      const shift = offset * normal(random);
      for (let i = channel * plane; i < (channel + 1) * plane; i++) noise[i] = noise[i]! + shift;
    }
  }
  return { data: noise, shape };
}

function normal(random: Rng): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

/** [1, …] each → [B, …]. */
function stacked(items: readonly Tensor[]): BatchTensor {
  const [first] = items as [Tensor, ...Tensor[]];
  const data = new Float32Array(items.length * first.data.length);
  for (const [index, item] of items.entries()) data.set(item.data, index * first.data.length);
  return { data, shape: [items.length, ...first.shape.slice(1)] };
}

function perItem(values: readonly number[]): BatchTensor {
  return { data: Float32Array.from(values), shape: [values.length] };
}

function contextOf({ captions }: BatchSource, texts: readonly string[]): BatchTensor {
  return stacked(texts.map((text) => captions.get(text)!.context));
}

function tokensOf(model: BaseModel, texts: readonly string[]): BatchTensor {
  const rows = texts.map((text) => [...captionTokens(model, text)]);
  return { data: BigInt64Array.from(rows.flat()), shape: [rows.length, rows[0]!.length] };
}

function vectorsOf(
  { captions }: BatchSource,
  texts: readonly string[],
  { bucket }: PlannedBatch,
): BatchTensor {
  const rows = texts.map((text) => sizedVector(captions.get(text)!.pooled!, bucket));
  const width = rows[0]!.length;
  return stacked(rows.map((row) => ({ data: Float32Array.from(row), shape: [1, width] })));
}
