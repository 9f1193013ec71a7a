/** U-Net, ControlNet and text encoder in use, over live parameters. */
import { input, type Value } from '../../../../native-models/graph/value.ts';
import { clipText } from '../../../../native-models/models/clip.ts';
import { controlNet } from '../../../../native-models/models/controlnet.ts';
import { unet } from '../../../../native-models/models/unet.ts';
import type { ParameterSet } from '../../parameters.ts';
import { captionTokens } from '../data/captionTokens.ts';
import { LATENT_VALUES } from '../data/latents.ts';
import { liveModel } from '../loop/model.ts';
import { merged, underName } from '../loop/parameterSets.ts';
import { LATENT_SIZE, PICTURE_SIZE, STARTER_CONTROL, STARTER_TEXT, STARTER_UNET } from '../models.ts';
import { TEXT_PREFIX } from './unetLoss.ts';

export interface Denoiser {
  /** Predicted noise of x [n, 4, 16, 16]; context [n, 77, 128]; hints [n, 3, 128, 128] where there is a ControlNet. */
  predict(
    x: Float32Array<ArrayBuffer>,
    timestep: number,
    context: Float32Array<ArrayBuffer>,
    hints?: Float32Array<ArrayBuffer>,
  ): Promise<Float32Array>;
  release(): Promise<void>;
}

/** Loads the U-Net, and the ControlNet in the same graph where one is given. */
export async function liveDenoiser(unetSet: ParameterSet, control?: ParameterSet): Promise<Denoiser> {
  const latent = input('latent', 'float32', ['batch', STARTER_UNET.inChannels, LATENT_SIZE, LATENT_SIZE]);
  const timestep = input('timestep', 'float32', ['batch']);
  const context = input('context', 'float32', ['batch', STARTER_TEXT.contextLength, STARTER_TEXT.width]);
  const hint = input('hint', 'float32', ['batch', 3, PICTURE_SIZE, PICTURE_SIZE]);
  const sets = [underName('unet', unetSet), ...(control ? [underName('control', control)] : [])];
  const model = await liveModel(merged(...sets), (scope) => {
    const residuals: Value[] = control
      ? controlNet(scope.at('control'), STARTER_CONTROL, { latent, timestep, context, hint })
      : [];
    return { noise: unet(scope.at('unet'), STARTER_UNET, { latent, timestep, context, residuals }) };
  });
  return {
    predict: async (x, time, text, hints) => {
      const count = x.length / LATENT_VALUES;
      const { noise } = await model.run({
        latent: { values: x, shape: latentShape(count) },
        timestep: { values: new Float32Array(count).fill(time), shape: [count] },
        context: { values: text, shape: [count, STARTER_TEXT.contextLength, STARTER_TEXT.width] },
        ...(hints && { hint: { values: hints, shape: [count, 3, PICTURE_SIZE, PICTURE_SIZE] } }),
      });
      return noise!;
    },
    release: () => model.release(),
  };
}

export interface TextEncoder {
  /** [prompts.length, 77, 128] */
  encode(prompts: readonly string[]): Promise<Float32Array<ArrayBuffer>>;
  release(): Promise<void>;
}

/** Opens the text half of the pair; release it when done. */
export async function liveText(clip: ParameterSet): Promise<TextEncoder> {
  const tokenIds = input('tokenIds', 'int64', ['batch', STARTER_TEXT.contextLength]);
  const model = await liveModel(clip, (scope) => ({
    context: clipText(scope.at(TEXT_PREFIX), STARTER_TEXT, { tokenIds }).embeddings[0]!,
  }));
  return {
    encode: async (prompts) => {
      const values = captionTokens(prompts, STARTER_TEXT.contextLength);
      const shape = [prompts.length, STARTER_TEXT.contextLength];
      return (await model.run({ tokenIds: { values, shape } }))['context']!.slice();
    },
    release: () => model.release(),
  };
}

/** Of `count` latents: [count, 4, 16, 16]. */
export function latentShape(count: number): number[] {
  return [count, STARTER_UNET.inChannels, LATENT_SIZE, LATENT_SIZE];
}
