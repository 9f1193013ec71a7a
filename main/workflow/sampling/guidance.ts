/** Conditioning values → denoised(x, sigma): prompt stages, inpaint channels, and ControlNets of either side. */
import type { CheckpointConfig } from '../../../native-models/models/configs.ts';
import type { Shortcuts } from '../../../preload/shortcuts.ts';
import { badInput } from '../../engine/border/failures.ts';
import { withControl } from '../../pipeline/control.ts';
import { guidedDenoiser } from '../../pipeline/denoiser.ts';
import {
  type Conditioning,
  type Evaluate,
  type Evaluation,
  partOfFeatures,
  partOfRows,
  stackedFeatures,
  stackedRows,
} from '../../pipeline/evaluation.ts';
import { withExtraChannels } from '../../pipeline/inpaint.ts';
import type { NoisePrediction } from '../../pipeline/model.ts';
import { interpolate } from '../../pipeline/numerics/interpolate.ts';
import type { Denoise, SamplerEntry } from '../../pipeline/samplers/sampler.ts';
import type { ModelSigmas } from '../../pipeline/sigmas/modelSigmas.ts';
import { sizeEmbedding } from '../../pipeline/sizeEmbedding.ts';
import { nchw, type Tensor } from '../../pipeline/tensor.ts';
import { type PromptEncoding, toCommonLength } from '../../pipeline/text/encode.ts';
import type { NodeContext } from '../parts/node.ts';
import type {
  ConditioningStage,
  ConditioningValue,
  ControlUse,
  LatentValue,
  ModelValue,
} from '../parts/sockets.ts';
import { hintFor } from './hints.ts';
import { inpaintFallback } from './inpaintFallback.ts';

export interface GuidanceOptions {
  readonly model: ModelValue;
  readonly positive: ConditioningValue;
  readonly negative: ConditioningValue;
  readonly latent: LatentValue;
  readonly guidanceScale: number;
  readonly shortcuts: Shortcuts;
}

/** Loads the text encoders where prompts are still to be encoded, then the U-Net and its ControlNets. */
export async function guidance(
  options: GuidanceOptions,
  sigmas: Float32Array,
  sampler: SamplerEntry,
  modelSigmas: ModelSigmas,
  context: NodeContext,
): Promise<Denoise> {
  const steps = sigmas.length - 1;
  const positive = await options.positive.stages(steps, context);
  const negative = await options.negative.stages(steps, context);
  const evaluate = await evaluateOf(options, modelSigmas, context);
  const { config } = await context.models.checkpoint(options.model);
  const ends = [...new Set([...positive, ...negative].map(({ endStep }) => endStep))].sort((a, b) => a - b);
  const denoisers = ends.map((endStep) =>
    guidedDenoiser({
      evaluate,
      predictionType: config.predictionType,
      sigmas: modelSigmas,
      conditioning: conditioningAt(endStep, positive, negative, config, options.latent),
      guidanceScale: options.guidanceScale,
      alwaysNegative: sampler.readsNegative ?? false,
      shortcuts: options.shortcuts,
    }),
  );
  return (x, sigma) => {
    // Which step this is follows from how many planned sigmas are larger.
    const step = sigmas.filter((planned) => planned > sigma).length;
    return denoisers.at(ends.findIndex((endStep) => step < endStep))!(x, sigma);
  };
}

function conditioningAt(
  endStep: number,
  positive: readonly ConditioningStage[],
  negative: readonly ConditioningStage[],
  config: CheckpointConfig,
  { samples }: LatentValue,
): Conditioning {
  const [plus, minus] = [positive, negative].map(
    (stages) => (stages.find((stage) => endStep <= stage.endStep) ?? stages.at(-1)!).encoding,
  );
  const [plusContext, minusContext] = toCommonLength([plus!.embedding, minus!.embedding]);
  return {
    positive: promptOf(plusContext!, plus!, config, samples),
    negative: promptOf(minusContext!, minus!, config, samples),
  };
}

/** SDXL is also told the pooled text and the size, of the picture and of what it was cut from: here the same. */
function promptOf(
  embedding: Tensor,
  { pooled }: PromptEncoding,
  { unet }: CheckpointConfig,
  samples: Tensor,
): Conditioning['positive'] {
  if (unet.admChannels === 0 || !pooled) return { embedding };
  const [, , h, w] = nchw(samples);
  const [height, width] = [8 * h, 8 * w];
  const y = Float32Array.of(...pooled.data, ...sizeEmbedding([height, width, 0, 0, height, width]));
  return { embedding, y: { data: y, shape: [1, y.length] } };
}

async function evaluateOf(
  options: GuidanceOptions,
  modelSigmas: ModelSigmas,
  context: NodeContext,
): Promise<Evaluate> {
  const controls = [options.positive.controls, negativeControls(options)] as const;
  const used = [...new Set(controls.flat())];
  const model = await context.models.checkpoint(options.model);
  const { networks, config } = model;
  const { networks: opened, mix } = await context.models.controls(used.map(({ path }) => path));
  const hints = used.map((use) => hintFor(use, options.latent.samples));
  const fallback = needsFallback(options) ? await inpaintFallback(model, options.latent) : undefined;
  const sideOf = (uses: readonly ControlUse[], conditioning: ConditioningValue): Evaluate => {
    const channels = fittingChannels(conditioning.extraChannels, options.latent.samples) ?? fallback;
    requireChannels(config, channels);
    // The innermost wrapper adds channels: ControlNets see the plain latent.
    const network = channels ? withExtraChannels(networks.predictNoise, channels) : networks.predictNoise;
    const active = uses.map((use) => ({ ...use, hint: hints[used.indexOf(use)]! }));
    return withControl(
      network,
      ({ control, ...input }) => opened[used.indexOf(uses[control]!)]!.run(input),
      active,
      modelSigmas,
      mix,
    );
  };
  const positive = sideOf(controls[0], options.positive);
  const alike =
    sameItems(controls[0], controls[1]) && options.positive.extraChannels === options.negative.extraChannels;
  return alike ? positive : perSide({ positive, negative: sideOf(controls[1], options.negative) });
}

/** Prepared for another size (before a latent was enlarged), they are resized; the mask among them, the first, stays 0 or 1. */
function fittingChannels(channels: Tensor | undefined, samples: Tensor): Tensor | undefined {
  const [, , height, width] = nchw(samples);
  if (!channels || (channels.shape[2] === height && channels.shape[3] === width)) return channels;
  const { data, shape } = interpolate(channels, width, height, 'bilinear');
  return { data: data.map((value, i) => (i < height * width ? Math.round(value) : value)), shape };
}

function needsFallback({ positive, negative }: GuidanceOptions): boolean {
  return !positive.extraChannels || !negative.extraChannels;
}

/** A control applied to one prompt by ComfyUI's older node acts on the negative one too, if that has none. */
function negativeControls({ positive, negative }: GuidanceOptions): readonly ControlUse[] {
  if (negative.controls.length > 0) return negative.controls;
  return positive.controls.filter(({ onBothSides }) => onBothSides);
}

function requireChannels({ unet }: CheckpointConfig, channels: Tensor | undefined): void {
  const given = 4 + (channels?.shape[1] ?? 0);
  if (unet.inChannels === given) return;
  throw badInput(
    `The model reads ${unet.inChannels} channels and is given ${given}.`,
    unet.inChannels === 4
      ? 'Use SetLatentNoiseMask instead of InpaintModelConditioning: this is no inpaint model.'
      : 'This kind of model cannot be run in a workflow yet; use an ordinary or an inpaint model.',
  );
}

/** Runs the rows of each prompt through its own wrapper. */
function perSide(evaluates: Readonly<Record<keyof Conditioning, Evaluate>>): Evaluate {
  return async (evaluation) => {
    const outputs: NoisePrediction[] = [];
    for (const [index, side] of evaluation.sides.entries())
      outputs.push(await evaluates[side](rowsOf(evaluation, index, side)));
    const features = outputs.flatMap(({ deep }) => (deep ? [deep] : []));
    return {
      ...stackedRows(outputs, evaluation.latent.shape[0]! / outputs.length),
      ...(features.length > 0 && { deep: stackedFeatures(features) }),
    };
  };
}

/** The `index`-th of the evaluation's blocks of rows. */
function rowsOf(evaluation: Evaluation, index: number, side: keyof Conditioning): Evaluation {
  const { sides, latent, timestep, context, y, deep } = evaluation;
  const part = (rows: Tensor): Tensor => partOfRows(rows, index, sides.length);
  const rows = timestep.length / sides.length;
  return {
    ...evaluation,
    sides: [side],
    latent: part(latent),
    timestep: timestep.slice(index * rows, (index + 1) * rows),
    context: part(context),
    ...(y && { y: part(y) }),
    ...(typeof deep === 'object' && { deep: partOfFeatures(deep, index, sides.length) }),
  };
}

function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}
