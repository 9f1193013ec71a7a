/** ComfyUI's sampling: which noise levels, which noise, what is kept, and conditioning whose two sides may differ. */
import type { Shortcuts } from '../../../preload/shortcuts.ts';
import { badInput, rejectNaN } from '../../engine/border/failures.ts';
import { previewOf } from '../../engine/networks/preview.ts';
import { latentMask, maskTensor } from '../../images/masks.ts';
import { keepingOutsideMask } from '../../pipeline/inpaint.ts';
import { latentNoise } from '../../pipeline/noise/latentNoise.ts';
import { isPureNoise, startLatent } from '../../pipeline/sigmas/forward.ts';
import { type Nchw, nchw, type Tensor, zeros } from '../../pipeline/tensor.ts';
import type { NodeContext } from '../parts/node.ts';
import type { ConditioningValue, LatentValue, ModelValue } from '../parts/sockets.ts';
import { guidance } from './guidance.ts';
import { noiseLevels, type StepOptions, samplerOf, trainedSigmas } from './noiseLevels.ts';

export interface SampleOptions extends StepOptions {
  readonly model: ModelValue;
  readonly positive: ConditioningValue;
  readonly negative: ConditioningValue;
  readonly latent: LatentValue;
  readonly seed: bigint;
  readonly rng: 'cpu' | 'nv';
  readonly guidanceScale: number;
  readonly shortcuts: Shortcuts;
  /** false: the latent is taken as already noised. */
  readonly addNoise: boolean;
}

/** The latent after the steps; as it came in where there are none. @throws EngineError `bad-input` for one of another kind of model, or a model that gives no numbers. */
export async function sample(options: SampleOptions, context: NodeContext): Promise<LatentValue> {
  const sampler = samplerOf(options);
  const trained = trainedSigmas(options.model);
  const sigmas = noiseLevels(options, trained);
  if (sigmas.length < 2) return options.latent;
  const steps = sigmas.length - 1;
  const evaluate = await guidance(options, sigmas, sampler, trained, context);
  // The text encoders were asked for above; from here on the U-Net is what is loaded.
  const { config } = await context.models.checkpoint(options.model);
  const source = modelLatent(options.latent, config.vae.scalingFactor, config.vae.embedDim);
  const mask = maskOf(options.latent, source);
  const noise = noiseOf(options, nchw(source));
  const content = maskedContent(options.latent, source, noise.initial, mask);
  const start = startLatent(content, noise.initial, sigmas[0]!, isPureNoise(sigmas[0]!, trained.sigmaMax));
  context.progress.begin('denoise', steps);
  const denoise = mask
    ? keepingOutsideMask(evaluate, { latent: source, noise: noise.initial, mask })
    : evaluate;
  const samples = await sampler.sample(denoise, start, sigmas, {
    ...sampler.parameters?.(trained),
    noise: sampler.noise === 'brownian' ? noise.brownian(sigmas) : noise.step,
    onStep: ({ denoised }) =>
      context.progress.advance(context.previews ? { preview: previewOf(denoised, config) } : {}),
    signal: context.signal,
  });
  rejectNaN(samples.data, options.model.checkpoint);
  const { maskedContent: _used, ...latent } = options.latent;
  return { ...latent, samples, scalingFactor: config.vae.scalingFactor };
}

function noiseOf({ seed, rng, addNoise }: SampleOptions, shape: Nchw) {
  const noise = latentNoise({
    rng,
    seed,
    batchSeeds: 'batch',
    stepDraws: rng === 'cpu' ? 'restart' : 'continue',
    shape,
  });
  return addNoise ? noise : { ...noise, initial: zeros(shape) };
}

/** The latent in the model's own scale. */
function modelLatent({ samples, scalingFactor }: LatentValue, factor: number, channels: number): Tensor {
  if (samples.shape[1] !== channels)
    throw badInput(
      `The latent has ${samples.shape[1]} channels, the model paints with ${channels}.`,
      'Encode the picture with a VAE of this kind of model.',
    );
  if (scalingFactor === factor) return samples;
  return { ...samples, data: samples.data.map((value) => (value * factor) / scalingFactor) };
}

function maskOf({ noiseMask }: LatentValue, latent: Tensor): Tensor | undefined {
  if (!noiseMask) return undefined;
  const [, , height, width] = nchw(latent);
  return maskTensor(latentMask(noiseMask, width, height));
}

/** What the masked part starts from: the latent, noise alone, or nothing (A1111's "masked content"). */
function maskedContent(
  { maskedContent: wanted }: LatentValue,
  source: Tensor,
  noise: Tensor,
  mask: Tensor | undefined,
): Tensor {
  if (!wanted || !mask) return source;
  const data = source.data.map((value, i) => {
    const share = mask.data[i % mask.data.length]!;
    return value * (1 - share) + (wanted === 'latent noise' ? noise.data[i]! : 0) * share;
  });
  return { ...source, data };
}
