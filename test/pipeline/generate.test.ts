/** The recipe on networks made of arithmetic. */
import { expect, test } from 'vitest';
import { type GenerationModel, generateLatent } from '../../main/pipeline/generate.ts';
import { zeros } from '../../main/pipeline/tensor.ts';
import { SD15 } from '../../native-models/models/configs.ts';
import { request } from '../images/requests.ts';

/** Answers v = 0 everywhere and notes the timesteps it was asked at. */
function silentModel(zeroTerminalSnr: boolean): { model: GenerationModel; timesteps: number[] } {
  const timesteps: number[] = [];
  const model: GenerationModel = {
    config: { ...SD15, predictionType: 'v', zeroTerminalSnr },
    textModels: [
      {
        config: SD15.textEncoders[0]!,
        encode: async ({ tokenIds }) => ({ embedding: zeros([tokenIds.length / 77, 77, 8]) }),
      },
    ],
    predictNoise: async ({ latent, timestep }) => {
      timesteps.push(timestep[0]!);
      return zeros(latent.shape);
    },
    encodeImage: async (pixels) => pixels,
    decodeLatent: async (latent) => latent,
  };
  return { model, timesteps };
}

test.each([
  [false, 14.6146],
  [true, 4518.76],
])('zero terminal SNR %s: the walk begins at sigma %f, timestep 999', async (zeroTerminalSnr, sigmaMax) => {
  const { model, timesteps } = silentModel(zeroTerminalSnr);
  const sigmas: number[] = [];
  const onStep = ({ sigma }: { sigma: number }): void => void sigmas.push(sigma);
  const walk = request({ steps: 4, width: 64, height: 64 });
  const { latent } = await generateLatent(model, walk, {}, { onStep });
  expect(sigmas[0]).toBeCloseTo(sigmaMax, 1);
  expect(timesteps[0]).toBe(999);
  expect(latent.data.every(Number.isFinite)).toBe(true);
});
