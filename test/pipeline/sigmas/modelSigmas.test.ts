import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { betas, cumulativeAlphas, rescaledToZeroSnr } from '../../../main/pipeline/sigmas/alphas.ts';
import {
  addNoise,
  atSigma,
  isPureNoise,
  startLatent,
  velocity,
} from '../../../main/pipeline/sigmas/forward.ts';
import { checkpointSigmas, modelSigmas } from '../../../main/pipeline/sigmas/modelSigmas.ts';
import { tensor } from '../../../main/pipeline/tensor.ts';
import { expectClose } from '../../helpers/close.ts';

const model = modelSigmas();

describe('modelSigmas', () => {
  test('a timestep survives the way to its sigma and back', () => {
    for (let t = 0; t < 1000; t++) expect(model.timestepOf(model.sigmaOf(t))).toBe(t);
  });

  test('any positive sigma has the nearest timestep in log sigma', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-4, max: 100, noNaN: true }), (sigma) => {
        const distance = (t: number): number => Math.abs(Math.log(sigma) - Math.log(model.sigmas[t]!));
        const found = model.timestepOf(sigma);
        for (const other of [found - 1, found + 1]) {
          if (other >= 0 && other < 1000) expect(distance(found)).toBeLessThanOrEqual(distance(other) + 1e-6);
        }
      }),
    );
  });

  test('sigma rises with fractional time and is clamped to the trained range', () => {
    expect(model.sigmaOf(10.25)).toBeGreaterThan(model.sigmaOf(10));
    expect(model.sigmaOf(10.25)).toBeLessThan(model.sigmaOf(11));
    expect(model.sigmaOf(-5)).toBeCloseTo(model.sigmaMin, 6);
    expect(model.sigmaOf(5000)).toBeCloseTo(model.sigmaMax, 4);
  });

  test('fractions run from beyond all noise to none', () => {
    expect(model.sigmaAtFraction(0)).toBeGreaterThan(model.sigmaMax);
    expect(model.sigmaAtFraction(0.5)).toBeCloseTo(model.sigmaOf(499.5), 5);
    expect(model.sigmaAtFraction(1)).toBe(0);
  });
});

describe('alphas', () => {
  test('descend within 0 and 1 for every schedule', () => {
    for (const schedule of ['scaled_linear', 'linear', 'squaredcos_cap_v2'] as const) {
      const alphas = cumulativeAlphas(betas({ schedule }));
      expect(alphas.every((alpha, t) => alpha > 0 && alpha < (alphas[t - 1] ?? 1))).toBe(true);
    }
  });

  test('rescaling leaves the first and brings the last to no signal', () => {
    const alphas = cumulativeAlphas(betas());
    const rescaled = rescaledToZeroSnr(alphas);
    expect(rescaled[0]).toBeCloseTo(alphas[0]!, 12);
    expect(rescaled.at(-1)).toBe(0);
  });
});

test("checkpoints of zero terminal SNR are walked from ComfyUI's largest sigma, which is next to no signal", () => {
  const { sigmas, sigmaMin, sigmaMax, timestepOf } = checkpointSigmas({ zeroTerminalSnr: true });
  expect(sigmaMax).toBeCloseTo(4518.76, 1);
  expect(timestepOf(sigmaMax)).toBe(999);
  expect(sigmaMin).toBeCloseTo(model.sigmaMin, 6);
  expect(sigmas.every((sigma, t) => t === 0 || sigma > sigmas[t - 1]!)).toBe(true);
  expect(checkpointSigmas({ zeroTerminalSnr: false }).sigmas).toEqual(model.sigmas);
});

describe('forward process', () => {
  const latent = tensor(Float32Array.of(1, -2, 0.5), [1, 3]);
  const noise = tensor(Float32Array.of(0.3, 0.1, -1), [1, 3]);

  test('alpha and sigma space are the same picture, scaled', () => {
    const alpha = 0.37;
    const sigma = Math.sqrt((1 - alpha) / alpha);
    const exploding = atSigma(latent, noise, sigma).data.map((value) => value * Math.sqrt(alpha));
    expectClose(addNoise(latent, noise, alpha).data, exploding, { atol: 1e-6 });
  });

  test('latent and noise come back from the noised latent and the velocity', () => {
    const alpha = 0.6;
    const x = addNoise(latent, noise, alpha).data;
    const v = velocity(latent, noise, alpha).data;
    const [a, b] = [Math.sqrt(alpha), Math.sqrt(1 - alpha)];
    expectClose(
      x.map((value, i) => a * value - b * v[i]!),
      latent.data,
      { atol: 1e-6 },
    );
    expectClose(
      x.map((value, i) => b * value + a * v[i]!),
      noise.data,
      { atol: 1e-6 },
    );
  });

  test('a start from pure noise is widened', () => {
    expect(isPureNoise(model.sigmaMax, model.sigmaMax)).toBe(true);
    expect(isPureNoise(model.sigmaMax * 0.99, model.sigmaMax)).toBe(false);
    expectClose(startLatent(latent, noise, 2, true).data, atSigma(latent, noise, Math.sqrt(5)).data, {
      atol: 0,
    });
    expectClose(startLatent(latent, noise, 2, false).data, atSigma(latent, noise, 2).data, { atol: 0 });
  });
});
