/** The denoiser's training graph: frozen text encoder, noised latent, weighted squared error of the noise. */
import * as ops from '../../../native-models/graph/ops.ts';
import { input, type Value } from '../../../native-models/graph/value.ts';
import type { Scope } from '../../../native-models/layers/scope.ts';
import { clipText } from '../../../native-models/models/clip.ts';
import { unet } from '../../../native-models/models/unet.ts';
import { LATENT_SIZE, STARTER_TEXT, STARTER_UNET } from './models.ts';

/** Where the text encoder's parameters stand among the U-Net's. */
export const TEXT_PREFIX = 'text_model';

/**
 * Σ weight·(noise − predicted)², mean over the batch (Ho et al. 2020, eq. 14; min-SNR weights of Hang et al. 2023).
 * Inputs: latent and noise [batch, 4, 16, 16]; timestep, signal, deviation, weight [batch]; tokenIds [batch, 77].
 */
export function unetLoss(scope: Scope, batch: number): Value {
  const image = [batch, STARTER_UNET.inChannels, LATENT_SIZE, LATENT_SIZE];
  const [latent, noise] = [input('latent', 'float32', image), input('noise', 'float32', image)];
  const perSample = (name: string): Value =>
    ops.reshape(input(name, 'float32', [batch]), [batch, 1, 1, 1]);
  const noised = ops.add(ops.mul(latent, perSample('signal')), ops.mul(noise, perSample('deviation')));
  const timestep = input('timestep', 'float32', [batch]);
  const predicted = unet(scope, STARTER_UNET, { latent: noised, timestep, context: contextOf(scope, batch) });
  const error = ops.sub(predicted, noise);
  return ops.reduceMean(ops.mul(ops.mul(error, error), perSample('weight')), [0, 1, 2, 3], false);
}

/** The text's embedding; nothing of it is trained. */
export function contextOf(scope: Scope, batch: number): Value {
  const tokenIds = input('tokenIds', 'int64', [batch, STARTER_TEXT.contextLength]);
  const frozen: Scope = { ...scope.at(TEXT_PREFIX), flavour: 'training' };
  return clipText(frozen, STARTER_TEXT, { tokenIds }).embeddings[0]!;
}
