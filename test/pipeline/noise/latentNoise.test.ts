import { describe, expect, test } from 'vitest';
import { latentNoise, type NoiseRequest } from '../../../main/pipeline/noise/latentNoise.ts';

const request: NoiseRequest = {
  rng: 'cpu',
  seed: 42n,
  batchSeeds: 'increment',
  stepDraws: 'restart',
  shape: [2, 4, 3, 5],
};
const PICTURE = 4 * 3 * 5;

describe('latentNoise', () => {
  test('gives each picture the seed it would have alone', () => {
    for (const rng of ['cpu', 'nv'] as const) {
      const { initial } = latentNoise({ ...request, rng });
      const alone = latentNoise({ ...request, rng, seed: 43n, shape: [1, 4, 3, 5] }).initial;
      expect(initial.shape).toEqual([2, 4, 3, 5]);
      expect(initial.data.subarray(PICTURE)).toEqual(alone.data);
    }
  });

  test('counts seeds on past the largest', () => {
    const { initial } = latentNoise({ ...request, seed: 2n ** 64n - 1n });
    expect(initial.data.subarray(PICTURE)).toEqual(
      latentNoise({ ...request, seed: 0n }).initial.data.subarray(0, PICTURE),
    );
  });

  test('draws a batch at once from one seed', () => {
    const { initial } = latentNoise({ ...request, batchSeeds: 'batch' });
    expect(initial.data.subarray(0, PICTURE)).not.toEqual(initial.data.subarray(PICTURE));
    const single = latentNoise({ ...request, batchSeeds: 'batch', shape: [1, 8, 3, 5] });
    expect(initial.data).toEqual(single.initial.data);
  });

  test('starts step noise over, or goes on', () => {
    const restarted = latentNoise(request);
    expect(restarted.step(9, 8)).toEqual(restarted.initial);
    expect(restarted.step(8, 7)).not.toEqual(restarted.initial);
    const continued = latentNoise({ ...request, stepDraws: 'continue' });
    expect(continued.step(9, 8)).toEqual(latentNoiseSecondDraw());
  });

  test('walks one Brownian path per picture', () => {
    const sigmas = Float32Array.of(10, 5, 1, 0);
    const noise = latentNoise(request).brownian(sigmas)(10, 5);
    const alone = latentNoise({ ...request, seed: 43n, shape: [1, 4, 3, 5] }).brownian(sigmas)(10, 5);
    expect(noise.data.subarray(PICTURE)).toEqual(alone.data);
  });
});

function latentNoiseSecondDraw() {
  const { step } = latentNoise(request);
  step(9, 8);
  return step(8, 7);
}
