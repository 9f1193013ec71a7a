/** The denoiser's training graph: frozen text encoder, noised latent, weighted squared error of the noise. */
import * as ops from '../../../../native-models/graph/ops.ts';
import { input, type Value } from '../../../../native-models/graph/value.ts';
import type { Scope } from '../../../../native-models/layers/scope.ts';
import { clipText } from '../../../../native-models/models/clip.ts';
import { controlNet } from '../../../../native-models/models/controlnet.ts';
import { unet } from '../../../../native-models/models/unet.ts';
import { LATENT_SIZE, PICTURE_SIZE, STARTER_CONTROL, STARTER_TEXT, STARTER_UNET } from '../models.ts';

/** Where the text encoder's parameters stand among the U-Net's. */
export const TEXT_PREFIX = 'text_model';

/** The trained U-Net alone; see denoisingLoss for the inputs. */
export function unetLoss(scope: Scope, batch: number): Value {
  return denoisingLoss(batch, (latent, timestep) =>
    unet(scope, STARTER_UNET, { latent, timestep, context: contextOf(scope, batch) }),
  );
}

/**
 * The ControlNet beside the frozen U-Net: parameters `control.*` are trained, `unet.*` are not.
 * Further input: hint [batch, 1, 128, 128] in 0–1.
 */
export function controlLoss(scope: Scope, batch: number): Value {
  const line = input('hint', 'float32', [batch, 1, PICTURE_SIZE, PICTURE_SIZE]);
  const hint = ops.concat([line, line, line], 1);
  const context = contextOf(scope, batch);
  return denoisingLoss(batch, (latent, timestep) => {
    const residuals = controlNet(scope.at('control'), STARTER_CONTROL, { latent, timestep, context, hint });
    return unet(scope.at('unet'), STARTER_UNET, { latent, timestep, context, residuals });
  });
}

/**
 * Σ weight·(noise − predicted)², mean over the batch (Ho et al. 2020, eq. 14; min-SNR weights of Hang et al. 2023).
 * Inputs: latent and noise [batch, 4, 16, 16]; timestep, signal, deviation, weight [batch]; tokenIds [batch, 77].
 */
function denoisingLoss(batch: number, predict: (noised: Value, timestep: Value) => Value): Value {
  const image = [batch, STARTER_UNET.inChannels, LATENT_SIZE, LATENT_SIZE];
  const [latent, noise] = [input('latent', 'float32', image), input('noise', 'float32', image)];
  const perSample = (name: string): Value => ops.reshape(input(name, 'float32', [batch]), [batch, 1, 1, 1]);
  const noised = ops.add(ops.mul(latent, perSample('signal')), ops.mul(noise, perSample('deviation')));
  const error = ops.sub(predict(noised, input('timestep', 'float32', [batch])), noise);
  return ops.reduceMean(ops.mul(ops.mul(error, error), perSample('weight')), [0, 1, 2, 3], false);
}

/** The text's embedding; nothing of it is trained. */
export function contextOf(scope: Scope, batch: number): Value {
  const tokenIds = input('tokenIds', 'int64', [batch, STARTER_TEXT.contextLength]);
  const frozen: Scope = { ...scope.at(TEXT_PREFIX), flavour: 'training' };
  return clipText(frozen, STARTER_TEXT, { tokenIds }).embeddings[0]!;
}
