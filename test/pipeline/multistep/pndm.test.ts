import { describe, expect, test } from 'vitest';
import { lms, lmsToZero } from '../../../main/pipeline/multistep/adams.ts';
import { pndm, pndmWith, withSecondRepeated } from '../../../main/pipeline/multistep/pndm.ts';
import type { Denoise } from '../../../main/pipeline/samplers/sampler.ts';
import { expectClose } from '../../helpers/close.ts';
import { gaussian, gaussianError, logSigmas, normalTensor, seededNoise } from '../samplers/analytic.ts';

const options = { noise: seededNoise(8) };
const start = normalTensor(8, 10);

describe('pndm', () => {
  test('looks back once, from the second sigma, and then asks once per step', async () => {
    const asked: number[] = [];
    const watching: Denoise = (x, sigma) => {
      asked.push(sigma);
      return gaussian(x, sigma);
    };
    await pndm(watching, start, withSecondRepeated(Float32Array.of(8, 4, 2, 1, 0)), options);
    expect(asked).toEqual([8, 4, 4, 2, 1]);
  });

  test('converges on eps and on the velocity to the same picture', async () => {
    const sigmas = withSecondRepeated(logSigmas(10, 0.1, 1000));
    const [eps, velocity] = [
      await pndmWith('eps')(gaussian, start, sigmas, options),
      await pndmWith('velocity')(gaussian, start, sigmas, options),
    ];
    expectClose(velocity.data, eps.data, { atol: 1e-3, rtol: 1e-3 });
  });

  test('reads the latent as if at the next sigma where image-to-image cut the repetition off', async () => {
    const cut = await pndm(gaussian, start, Float32Array.of(8, 4, 2, 1), options);
    // At 4 the latent has come from 8 by one retaken step; it is then held for one at 2 and walked on from there.
    const retaken = await pndm(gaussian, start, Float32Array.of(8, 4, 4), options);
    const scale = Math.sqrt((1 + 2 ** 2) / (1 + 4 ** 2));
    const variance = 1 + 2 ** 2;
    const slopeAt2 = retaken.data.map((value) => (value * scale * 2) / variance);
    const slopeAt8 = start.data.map((value) => (value * 8) / (1 + 8 ** 2));
    const expected = retaken.data.map(
      (value, i) => value * scale - (1.5 * slopeAt2[i]! - 0.5 * slopeAt8[i]!),
    );
    expectClose(cut.data, expected, { atol: 1e-5, rtol: 1e-5 });
  });
});

test('withSecondRepeated leaves walks of one step alone', () => {
  expect([...withSecondRepeated(Float32Array.of(3, 2, 1))]).toEqual([3, 2, 2, 1]);
  expect([...withSecondRepeated(Float32Array.of(3, 0))]).toEqual([3, 0]);
  expect([...withSecondRepeated(new Float32Array(0))]).toEqual([]);
});

describe('lms', () => {
  test('agrees with its integrated form above sigma 0', async () => {
    const sigmas = logSigmas(10, 0.1, 12);
    const plain = await lms(gaussian, start, sigmas, options);
    expectClose((await lmsToZero()(gaussian, start, sigmas, options)).data, plain.data, { atol: 0 });
  });

  test('uses its order: 1 is Euler and less exact than 4', async () => {
    const first: typeof lms = (denoise, x, sigmas, rest) => lms(denoise, x, sigmas, { ...rest, order: 1 });
    expect(await gaussianError(lms, 60)).toBeLessThan((await gaussianError(first, 60)) / 20);
  });
});
