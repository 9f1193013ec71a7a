/** The LoRA training step: frozen weights from the file, trained pairs beside the layers of U-Net and text encoder. */
import type { Graph } from '../graph/build.ts';
import { isAttentionWeight } from '../graph/recompute.ts';
import { input, staticShape, type Value } from '../graph/value.ts';
import { type AdaptedLayer, type ParameterSource, rootScope, type Scope } from '../layers/scope.ts';
import { clipText } from '../models/clip.ts';
import type { ClipTextConfig, PredictionType, UnetConfig } from '../models/configs.ts';
import { type DenoisingShape, denoisingBatch, denoisingLoss } from './denoising.ts';
import { kohyaTextName, kohyaUnetNames } from './kohyaNames.ts';
import { type TrainedPair, trainedPairs } from './lora.ts';
import { type StepOptions, type Trainables, trainingStep } from './step.ts';

/** Which of the U-Net's projections are trained; 'attention' includes cross-attention. */
export type UnetTarget = 'cross-attention' | 'attention' | 'feed-forward';

export interface FrozenUnet {
  readonly source: ParameterSource;
  readonly config: UnetConfig;
  readonly predictionType: PredictionType;
}

export interface FrozenTextEncoder {
  readonly source: ParameterSource;
  readonly config: ClipTextConfig;
  /** 1 = the last layer. */
  readonly clipSkip: number;
}

/**
 * What runs twice so that less stays in memory: the weights of attention (SD 1.5 at 512²: 3 % more arithmetic), or all
 * but the outputs of blocks (a third more).
 */
export type Recompute = 'nothing' | 'attention' | 'all';

export interface LoraOptions {
  readonly rank: number;
  /** The pairs' output is multiplied by alpha/rank. */
  readonly alpha: number;
  readonly targets: readonly UnetTarget[];
  /** Train all linear layers of the text encoder too: the batch then brings `tokenIds` instead of `context`. */
  readonly text?: FrozenTextEncoder;
  readonly recompute: Recompute;
}

export interface LoraStep {
  /** Inputs: a denoising batch and the pairs; outputs: loss and the pairs' gradients. */
  readonly graph: Graph;
  /** Of the trained tensors, by kohya name ('lora_unet_….lora_down.weight'). */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly pairs: readonly TrainedPair[];
}

/** Builds the step for one batch shape; buckets of other sizes get graphs of their own over the same pairs. */
export function loraStep(unet: FrozenUnet, shape: DenoisingShape, options: LoraOptions): LoraStep {
  const trainables: Trainables = new Map();
  const checkpoints: Value[] = [];
  const pairs: TrainedPair[] = [];
  const scopeOf = (
    source: ParameterSource,
    accepts: (layer: AdaptedLayer) => boolean,
    nameOf: (path: string) => string,
  ): Scope => {
    const { rank, alpha } = options;
    const { adapter } = trainedPairs({ trainables, pairs }, { rank, alpha, accepts, nameOf });
    return rootScope(source, { flavour: 'training', adapter });
  };
  const context =
    options.text &&
    textContext(scopeOf(options.text.source, acceptsText(options.text), kohyaTextName), options.text, shape);
  const scope = scopeOf(unet.source, acceptsTarget(options.targets), kohyaUnetNames(unet.config));
  const loss = denoisingLoss(
    scope,
    unet.config,
    denoisingBatch(unet.config, shape, context),
    unet.predictionType,
    {
      tap: (_path, value) => checkpoints.push(value),
    },
  );
  const graph = trainingStep(trainables, loss, recomputing(options.recompute, checkpoints));
  const shapes = new Map([...trainables].map(([name, value]) => [name, staticShape(value)]));
  return { graph, shapes, pairs };
}

function recomputing(what: Recompute, checkpoints: readonly Value[]): StepOptions {
  if (what === 'nothing') return {};
  return { recompute: { checkpoints, ...(what === 'attention' && { repeats: isAttentionWeight }) } };
}

const TARGETS: Record<UnetTarget, RegExp> = {
  'cross-attention': /\.attn2\./,
  attention: /\.attn[12]\./,
  'feed-forward': /\.ff\./,
};

/** Whether a layer of the U-Net belongs to one of `targets`. */
export function acceptsTarget(targets: readonly UnetTarget[]): (layer: AdaptedLayer) => boolean {
  return ({ path }) => targets.some((target) => TARGETS[target].test(path));
}

/** All linears of those transformer layers whose output the U-Net reads. */
function acceptsText({ config, clipSkip }: FrozenTextEncoder): (layer: AdaptedLayer) => boolean {
  return ({ path }) => {
    const layer = /^encoder\.layers\.(\d+)\./.exec(path)?.[1];
    return layer !== undefined && Number(layer) <= config.layers - clipSkip;
  };
}

/** The embedding of `tokenIds` [B, 77] that the U-Net reads. */
function textContext(
  scope: Scope,
  { config, clipSkip }: FrozenTextEncoder,
  { batch }: DenoisingShape,
): Value {
  const tokenIds = input('tokenIds', 'int64', [batch, config.contextLength]);
  const embedding = clipText(scope, config, { tokenIds }).embeddings[clipSkip - 1];
  if (!embedding)
    throw new RangeError(
      `clip skip ${clipSkip} is beyond the text encoder's ${config.layers} layers; use a smaller one`,
    );
  return embedding;
}
