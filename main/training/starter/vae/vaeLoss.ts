/** The autoencoder's training graph: what it is punished for, and how its weights begin. */
import * as ops from '../../../../native-models/graph/ops.ts';
import { input, type Value } from '../../../../native-models/graph/value.ts';
import type { Scope } from '../../../../native-models/layers/scope.ts';
import type { VaeConfig } from '../../../../native-models/models/configs.ts';
import { vaeDecoder, vaeEncoder } from '../../../../native-models/models/vae.ts';
import { type InitialRules, identityConv, preserving, zeros } from '../loop/initialise.ts';

/** Weight of the mean KL term per latent number. */
const KL_WEIGHT = 0.004;
const GRADIENT_WEIGHT = 0.3;
const SQUARE_WEIGHT = 2;
/** Where the log-variance of the posterior starts: deviation 0.05. */
const START_LOG_VARIANCE = -6;

/**
 * L1 + 2·MSE + 0.3·L1 of the differences between neighbours + KL to the unit normal (Kingma & Welling 2014).
 * Inputs: image [batch, 3, size, size] in −1…1 and noise [batch, embedDim, size/8, size/8].
 */
export function vaeLoss(scope: Scope, config: VaeConfig, batch: number, size: number): Value {
  const image = input('image', 'float32', [batch, config.imageChannels, size, size]);
  const noise = input('noise', 'float32', [batch, config.embedDim, size / 8, size / 8]);
  const [mean, logVariance] = ops.split(
    vaeEncoder(scope, config, image),
    [config.embedDim, config.embedDim],
    1,
  );
  const bounded = ops.clip(logVariance!, -20, 10);
  const latent = ops.add(mean!, ops.mul(noise, ops.exp(ops.mul(bounded, 0.5))));
  const error = ops.sub(vaeDecoder(scope, config, latent), image);
  const kl = ops.sub(ops.add(ops.mul(mean!, mean!), ops.exp(bounded)), ops.add(bounded, 1));
  return ops.add(pixelLoss(error, size), ops.mul(average(kl), KL_WEIGHT / 2));
}

/** What the decoder alone is punished for: see pixelLoss and noiseLevel. */
export type DecoderTarget = 'pixels' | 'psnr';

/** The decoder alone, from latents as the encoder made them. Inputs: latent [batch, 4, size/8, size/8] and image. */
export function decoderLoss(
  scope: Scope,
  config: VaeConfig,
  { batch, size, target }: { readonly batch: number; readonly size: number; readonly target: DecoderTarget },
): Value {
  const image = input('image', 'float32', [batch, config.imageChannels, size, size]);
  const latent = input('latent', 'float32', [batch, config.embedDim, size / 8, size / 8]);
  const error = ops.sub(vaeDecoder(scope, config, latent), image);
  return target === 'psnr' ? noiseLevel(error) : pixelLoss(error, size);
}

/** Mean over the pictures of ln MSE: PSNR is −10/ln 10 times it, so a calm picture counts as much as a rich one. */
function noiseLevel(error: Value): Value {
  const square = ops.reduceMean(ops.mul(error, error), [1, 2, 3], false);
  return average(ops.log(ops.add(square, 1e-6)));
}

function pixelLoss(error: Value, size: number): Value {
  const pixels = ops.add(average(ops.abs(error)), ops.mul(average(ops.mul(error, error)), SQUARE_WEIGHT));
  const edges = ops.add(steepness(error, 2, size), steepness(error, 3, size));
  return ops.add(pixels, ops.mul(edges, GRADIENT_WEIGHT));
}

function average(x: Value): Value {
  return ops.reduceMean(
    x,
    x.shape.map((_, axis) => axis),
    false,
  );
}

/** Mean absolute difference of neighbours along `axis`: wrong edges count beyond wrong areas. */
function steepness(error: Value, axis: number, size: number): Value {
  return average(ops.abs(ops.sub(ops.slice(error, axis, 1, size), ops.slice(error, axis, 0, size - 1))));
}

/** Nearly linear at first: residual branches silent, downsampling averages, upsampling repeats. */
export const VAE_START: InitialRules = [
  [/(conv2|proj_out)\.weight$/, zeros],
  [/downsample\.conv\.weight$/, identityConv([0, 0], [0, 1], [1, 0], [1, 1])],
  [/upsample\.conv\.weight$/, identityConv([1, 1])],
  [/^(post_)?quant_conv\.weight$/, identityConv([0, 0])],
  [/^encoder\.conv_out\.weight$/, meanOnly],
  [/^encoder\.conv_out\.bias$/, logVarianceBias],
  [/(conv_in|conv_out|nin_shortcut)\.weight$/, preserving],
];

/** The rows of the log-variance start as zeros. */
function meanOnly(
  values: Float32Array,
  shape: readonly number[],
  random: Parameters<typeof preserving>[2],
): void {
  preserving(values, shape, random);
  values.fill(0, values.length / 2);
}

function logVarianceBias(values: Float32Array): void {
  values.fill(0);
  values.fill(START_LOG_VARIANCE, values.length / 2);
}
