/** The recipe: tokenize, encode, noise, denoise, decode. Pure; networks, pictures and callbacks are handed in. */
import type { CheckpointConfig } from '../../native-models/models/configs.ts';
import type { GenerationRequest } from '../../preload/request.ts';
import { shortcutsOf } from '../../preload/shortcuts.ts';
import { guidedDenoiser } from './denoiser.ts';
import type { Conditioning, Evaluate } from './evaluation.ts';
import { keepingOutsideMask, withExtraChannels } from './inpaint.ts';
import type { DiffusionModel } from './model.ts';
import { type LatentNoise, latentNoise } from './noise/latentNoise.ts';
import { SAMPLERS } from './samplers/registry.ts';
import type { Denoise, SamplerEntry, StepReport } from './samplers/sampler.ts';
import { isPureNoise, startLatent } from './sigmas/forward.ts';
import { checkpointSigmas, type ModelSigmas } from './sigmas/modelSigmas.ts';
import { SCHEDULES } from './sigmas/schedules.ts';
import { planSigmas } from './sigmas/stepRules.ts';
import { pooledAndSizes } from './sizeEmbedding.ts';
import { type Nchw, type Tensor, zeros } from './tensor.ts';
import { type ConditioningStage, encodeConditioning } from './text/conditioning.ts';
import type { Embedding } from './text/embeddings.ts';
import { type PromptEncoding, toCommonLength } from './text/encode.ts';
import type { TextModel } from './text/textModel.ts';

/** The networks of one checkpoint. */
export interface GenerationModel extends Omit<DiffusionModel, 'encodeText' | 'control'> {
  readonly config: CheckpointConfig;
  readonly textModels: readonly TextModel[];
}

/** Pictures of a request as tensors, prepared at the request's size. */
export interface GenerationInputs {
  /** Init image × scalingFactor as a latent: [1, 4, h, w]. */
  readonly initLatent?: Tensor;
  /** [1, 1, h, w], 1 = repaint. */
  readonly latentMask?: Tensor;
  /** What inpaint models read besides the latent: [1, C', h, w]. */
  readonly extraChannels?: Tensor;
  readonly embeddings?: readonly Embedding[];
  /** Wraps the network, for ControlNet residuals. */
  readonly wrapEvaluate?: (evaluate: Evaluate, sigmas: ModelSigmas) => Evaluate;
}

export interface GenerationCallbacks {
  readonly onStep?: (report: StepReport, steps: number) => void | Promise<void>;
  readonly onStage?: (stage: 'encode text' | 'denoise' | 'decode') => void;
  readonly signal?: AbortSignal;
}

export interface Generated {
  /** [B, 4, h, w] × scalingFactor. */
  readonly latent: Tensor;
  /** Remarks on parts of the prompt that could not be used. */
  readonly problems: readonly string[];
}

/** A request and its pictures → latents; `model.decodeLatent` makes pixels of them. */
export async function generateLatent(
  model: GenerationModel,
  request: GenerationRequest,
  inputs: GenerationInputs,
  callbacks: GenerationCallbacks = {},
): Promise<Generated> {
  const { width, height, batch, sampler: name } = request;
  const shape = [batch, model.config.vae.embedDim, height / 8, width / 8] as const;
  const sampler: SamplerEntry = SAMPLERS[name];
  const trained = checkpointSigmas(model.config);
  const sigmas = sigmasOf(request, trained);
  const steps = Math.max(0, sigmas.length - 1);

  callbacks.onStage?.('encode text');
  const stages = await encodeConditioning(model.textModels, request, steps, {
    emphasis: request.emphasis,
    clipSkip: request.clipSkip,
    embeddings: inputs.embeddings ?? [],
  });

  const noise = noiseOf(request, shape);
  const source = repeated(inputs.initLatent ?? zeros([1, shape[1], shape[2], shape[3]]), batch);
  if (steps === 0) return { latent: source, problems: problemsOf(stages) };
  const content = maskedContent(request, source, noise.initial, inputs.latentMask);
  const pureNoise = isPureNoise(sigmas[0]!, trained.sigmaMax);
  const start = startLatent(content, noise.initial, sigmas[0]!, pureNoise);

  callbacks.onStage?.('denoise');
  const denoise = denoiserOf(model, request, inputs, stages, sigmas, sampler);
  const guarded = inputs.latentMask
    ? keepingOutsideMask(denoise, { latent: source, noise: noise.initial, mask: inputs.latentMask })
    : denoise;
  const latent = await sampler.sample(guarded, start, sigmas, {
    ...sampler.parameters?.(trained),
    noise: sampler.noise === 'brownian' ? noise.brownian(sigmas) : noise.step,
    onStep: (report) => callbacks.onStep?.(report, steps),
    ...(callbacks.signal && { signal: callbacks.signal }),
  });
  return { latent, problems: problemsOf(stages) };
}

function noiseOf({ rng, seed, batchSeeds }: GenerationRequest, shape: Nchw): LatentNoise {
  return latentNoise({
    rng,
    seed: BigInt(seed),
    batchSeeds,
    // ComfyUI seeds step noise afresh; A1111, whose generator is Philox, goes on drawing.
    stepDraws: rng === 'cpu' ? 'restart' : 'continue',
    shape,
  });
}

/**
 * The noise levels a request walks on a model of the given ones; how many they are does not depend on the model. Fewer
 * than two when the denoising strength leaves nothing to do.
 */
export function sigmasOf(
  request: GenerationRequest,
  trained: ModelSigmas = checkpointSigmas({ zeroTerminalSnr: false }),
): Float32Array<ArrayBuffer> {
  return planSigmas(trained, {
    sampler: SAMPLERS[request.sampler],
    schedule: SCHEDULES[request.schedule],
    steps: request.steps,
    denoisingStrength: request.kind === 'text-to-image' ? 1 : request.denoisingStrength,
    stepRule: request.stepRule,
  });
}

function denoiserOf(
  model: GenerationModel,
  request: GenerationRequest,
  inputs: GenerationInputs,
  stages: readonly ConditioningStage[],
  sigmas: Float32Array,
  sampler: SamplerEntry,
): Denoise {
  // The innermost wrapper adds channels: ControlNets see the plain latent.
  const network = inputs.extraChannels
    ? withExtraChannels(model.predictNoise, inputs.extraChannels)
    : model.predictNoise;
  const trained = checkpointSigmas(model.config);
  const evaluate = inputs.wrapEvaluate?.(network, trained) ?? network;
  const denoisers = stages.map((stage) =>
    guidedDenoiser({
      evaluate,
      predictionType: model.config.predictionType,
      sigmas: trained,
      conditioning: conditioningOf(stage, model.config.unet.admChannels, request),
      guidanceScale: request.guidanceScale,
      alwaysNegative: sampler.readsNegative ?? false,
      shortcuts: shortcutsOf(request),
    }),
  );
  return (x, sigma) => {
    // Prompt editing: which step this is follows from how many planned sigmas are larger.
    const step = sigmas.filter((planned) => planned > sigma).length;
    const stage = stages.findIndex(({ endStep }) => step < endStep);
    return denoisers.at(stage)!(x, sigma);
  };
}

/** `admChannels`: how wide a vector of pooled text and sizes the U-Net reads; 0 = none. */
function conditioningOf(
  { positive, negative }: ConditioningStage,
  admChannels: number,
  { width, height }: GenerationRequest,
): Conditioning {
  const [positiveContext, negativeContext] = toCommonLength([positive.embedding, negative.embedding]);
  const vector = ({ pooled }: PromptEncoding): { y?: Tensor } =>
    admChannels > 0 && pooled ? { y: pooledAndSizes(pooled, width, height, admChannels) } : {};
  return {
    positive: { embedding: positiveContext!, ...vector(positive) },
    negative: { embedding: negativeContext!, ...vector(negative) },
  };
}

/** What the masked part starts from, before noise: the original, noise alone, or nothing (A1111's "masked content"). */
function maskedContent(
  request: GenerationRequest,
  source: Tensor,
  noise: Tensor,
  mask: Tensor | undefined,
): Tensor {
  if (request.kind !== 'inpaint' || !mask || !request.maskedContent.startsWith('latent')) return source;
  const replacement = request.maskedContent === 'latent noise' ? noise.data : undefined;
  const plane = mask.data.length;
  const data = source.data.map((value, i) => {
    const share = mask.data[i % plane]!;
    return value * (1 - share) + (replacement?.[i] ?? 0) * share;
  });
  return { data, shape: source.shape };
}

/** [1, C, h, w] → [batch, C, h, w]. */
function repeated(latent: Tensor, batch: number): Tensor {
  if (latent.shape[0] === batch) return latent;
  const data = new Float32Array(latent.data.length * batch);
  for (let item = 0; item < batch; item++) data.set(latent.data, item * latent.data.length);
  return { data, shape: [batch, ...latent.shape.slice(1)] };
}

function problemsOf(stages: readonly ConditioningStage[]): string[] {
  return [
    ...new Set(stages.flatMap(({ positive, negative }) => [...positive.problems, ...negative.problems])),
  ];
}
