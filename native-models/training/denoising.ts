/** The training loss of latent diffusion: noise a clean latent, predict, compare. */
import * as ops from '../graph/ops.ts';
import { input, staticDim, type Value } from '../graph/value.ts';
import type { Scope } from '../layers/scope.ts';
import type { PredictionType, UnetConfig } from '../models/configs.ts';
import { type UnetInputs, unet } from '../models/unet.ts';
import { squaredError } from './losses.ts';

export interface DenoisingShape {
  readonly batch: number;
  /** Height and width of the latent. */
  readonly height: number;
  readonly width: number;
  /** Text tokens per item, 77 or a multiple. */
  readonly tokens: number;
}

/**
 * The graph inputs of one batch. `signal` = √ᾱ and `spread` = √(1−ᾱ) of each item's timestep;
 * `itemWeights` = 1, or min(γ/SNR, 1) of min-SNR weighting (Hang et al. 2023, arXiv:2303.09556).
 */
export interface DenoisingBatch {
  readonly latent: Value;
  readonly noise: Value;
  readonly timestep: Value;
  readonly signal: Value;
  readonly spread: Value;
  readonly itemWeights: Value;
  readonly context: Value;
  /** SDXL's pooled text and sizes. */
  readonly y?: Value;
}

/** Declares the inputs; their names are the fields' names. `context` is declared only when it is not given. */
export function denoisingBatch(config: UnetConfig, shape: DenoisingShape, context?: Value): DenoisingBatch {
  const { batch, height, width, tokens } = shape;
  const float = (name: string, ...dims: number[]): Value => input(name, 'float32', dims);
  return {
    latent: float('latent', batch, config.inChannels, height, width),
    noise: float('noise', batch, config.inChannels, height, width),
    timestep: float('timestep', batch),
    signal: float('signal', batch),
    spread: float('spread', batch),
    itemWeights: float('itemWeights', batch),
    context: context ?? float('context', batch, tokens, config.contextDim),
    ...(config.admChannels > 0 && { y: float('y', batch, config.admChannels) }),
  };
}

/** x_t = √ᾱ·x + √(1−ᾱ)·ε (Ho et al. 2020, eq. 4). */
export function noisyLatent({ latent, noise, signal, spread }: DenoisingBatch): Value {
  return ops.add(ops.mul(latent, perItem(signal)), ops.mul(noise, perItem(spread)));
}

/** What the U-Net is to say: the noise, or v = √ᾱ·ε − √(1−ᾱ)·x (Salimans & Ho 2022, §4). */
export function denoisingTarget(batch: DenoisingBatch, predictionType: PredictionType): Value {
  const { latent, noise, signal, spread } = batch;
  if (predictionType === 'eps') return noise;
  return ops.sub(ops.mul(noise, perItem(signal)), ops.mul(latent, perItem(spread)));
}

/**
 * Weighted mean squared error of the U-Net's prediction. `residuals` as in UnetInputs, from a ControlNet in training;
 * `tap` is shown the blocks' outputs, which serve as checkpoints.
 */
export function denoisingLoss(
  scope: Scope,
  config: UnetConfig,
  batch: DenoisingBatch,
  predictionType: PredictionType,
  { residuals, tap }: Pick<UnetInputs, 'residuals' | 'tap'> = {},
): Value {
  const prediction = unet(scope, config, {
    latent: noisyLatent(batch),
    timestep: batch.timestep,
    context: batch.context,
    ...(batch.y && { y: batch.y }),
    ...(residuals && { residuals }),
    tap,
  });
  return squaredError(prediction, denoisingTarget(batch, predictionType), batch.itemWeights);
}

function perItem(values: Value): Value {
  return ops.reshape(values, [staticDim(values, 0), 1, 1, 1]);
}
