/** The LoRA training step of a U-Net: frozen weights from the file, trained pairs as inputs. */
import type { Graph } from '../graph/build.ts';
import { staticShape } from '../graph/value.ts';
import { type AdaptedLayer, type ParameterSource, rootScope } from '../layers/scope.ts';
import type { PredictionType, UnetConfig } from '../models/configs.ts';
import { type DenoisingShape, denoisingBatch, denoisingLoss } from './denoising.ts';
import { kohyaUnetNames } from './kohyaNames.ts';
import { type TrainedPair, trainedPairs } from './lora.ts';
import { type Trainables, trainingStep } from './step.ts';

export interface UnetLoraOptions {
  readonly predictionType: PredictionType;
  readonly rank: number;
  readonly alpha: number;
  readonly accepts: (layer: AdaptedLayer) => boolean;
}

export interface LoraStep {
  /** Inputs: the denoising batch and the pairs; outputs: loss and the pairs' gradients. */
  readonly graph: Graph;
  /** Of the trained tensors, by kohya name ('lora_unet_….lora_down.weight'). */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly pairs: readonly TrainedPair[];
}

/** Builds the step for one batch shape; buckets of other sizes get graphs of their own over the same pairs. */
export function unetLoraStep(
  source: ParameterSource,
  config: UnetConfig,
  shape: DenoisingShape,
  options: UnetLoraOptions,
): LoraStep {
  const trainables: Trainables = new Map();
  const { adapter, pairs } = trainedPairs(trainables, { ...options, nameOf: kohyaUnetNames(config) });
  const scope = rootScope(source, { flavour: 'training', adapter });
  const loss = denoisingLoss(scope, config, denoisingBatch(config, shape), options.predictionType);
  const shapes = new Map([...trainables].map(([name, value]) => [name, staticShape(value)]));
  return { graph: trainingStep(trainables, loss), shapes, pairs };
}

/** Which projections are trained beside the frozen ones. */
export type LoraTargets = 'cross-attention' | 'attention' | 'attention+feed-forward' | 'all-linear';

const TARGETS: Record<LoraTargets, RegExp> = {
  'cross-attention': /\.attn2\./,
  attention: /\.attn[12]\./,
  'attention+feed-forward': /\.(attn[12]|ff)\./,
  'all-linear': /\.(attn[12]|ff|proj_in|proj_out)\b/,
};

/** Whether a layer of the U-Net belongs to `targets`. */
export function acceptsTarget(targets: LoraTargets): (layer: AdaptedLayer) => boolean {
  return ({ path }) => TARGETS[targets].test(path);
}
