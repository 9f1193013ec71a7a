import { expect, test } from 'vitest';
import { SAMPLERS } from '../../../main/pipeline/samplers/registry.ts';
import type { Denoise } from '../../../main/pipeline/samplers/sampler.ts';
import { expectClose } from '../../helpers/close.ts';
import { gaussian, normalTensor, seededNoise } from './analytic.ts';

const sigmas = Float32Array.of(10, 4, 1, 0.2, 0);
const start = normalTensor(6, 10);

test('CFG++ is plain Euler where both prompts predict the same', async () => {
  const options = { noise: seededNoise(6) };
  const plain = await SAMPLERS.euler.sample(gaussian, start, sigmas, options);
  expectClose((await SAMPLERS.euler_cfg_pp.sample(gaussian, start, sigmas, options)).data, plain.data, {
    atol: 1e-5,
  });
  const ancestral = await SAMPLERS.euler_ancestral.sample(gaussian, start, sigmas, { noise: seededNoise(6) });
  const plusPlus = await SAMPLERS.euler_ancestral_cfg_pp.sample(gaussian, start, sigmas, {
    noise: seededNoise(6),
  });
  expectClose(plusPlus.data, ancestral.data, { atol: 1e-5 });
});

test('CFG++ keeps the noise that the negative prompt sees', async () => {
  const shifted: Denoise = async (x) => ({
    data: x.data.map(() => 2),
    shape: x.shape,
    negative: { ...x, data: x.data.map(() => 0) },
  });
  const out = await SAMPLERS.euler_cfg_pp.sample(shifted, start, Float32Array.of(10, 5), {
    noise: seededNoise(6),
  });
  expectClose(
    out.data,
    start.data.map((value) => 2 + value / 2),
    { atol: 1e-5 },
  );
});

test('CFG++ without a negative prediction says what is wrong', async () => {
  const mute: Denoise = async (x) => x;
  const walk = SAMPLERS.euler_cfg_pp.sample(mute, start, sigmas, { noise: seededNoise(6) });
  await expect(walk).rejects.toThrow('negative prediction');
});

test('eta 0 takes the noise out of ancestral sampling', async () => {
  const plain = await SAMPLERS.euler.sample(gaussian, start, sigmas, { noise: seededNoise(6) });
  const still = await SAMPLERS.euler_ancestral.sample(gaussian, start, sigmas, {
    noise: seededNoise(6),
    eta: 0,
  });
  expectClose(still.data, plain.data, { atol: 1e-6 });
});
