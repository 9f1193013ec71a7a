import { describe, expect, test } from 'vitest';
import { withSecondRepeated } from '../../../main/pipeline/multistep/pndm.ts';
import { SAMPLERS } from '../../../main/pipeline/samplers/registry.ts';
import type { SamplerEntry, StepReport } from '../../../main/pipeline/samplers/sampler.ts';
import { tensor } from '../../../main/pipeline/tensor.ts';
import { expectConformance } from '../../conformance/expectConformance.ts';
import { samplers } from '../../conformance/samplers.ts';
import { meanAndVariance } from '../noise/moments.ts';
import {
  constantPicture,
  gaussian,
  gaussianError,
  logSigmas,
  normalTensor,
  seededNoise,
} from './analytic.ts';

const entries = Object.entries(SAMPLERS) as [string, SamplerEntry][];
/** These stop above sigma 0 by design: at the last positive sigma, UniPC at 0.001. */
const STOP_EARLY = new Set(['dpm_fast', 'dpm_adaptive', 'uni_pc', 'uni_pc_bh2']);

test("agrees with ComfyUI's samplers, schedules and diffusers' classes", () =>
  expectConformance(samplers, 'samplers', 1576));

describe.each(entries)('%s', (name, { sample, noise, repeatsSecond }) => {
  const plain = Float32Array.of(14, 6, 3, 1.5, 0.7, 0.3, 0.1, 0.03, 0);
  const sigmas = repeatsSecond ? withSecondRepeated(plain) : plain;

  test('finds the one picture there is', async () => {
    const picture = normalTensor(12, 1, 3n);
    const start = normalTensor(12, 14);
    const out = await sample(constantPicture(picture), start, sigmas, { noise: seededNoise(12) });
    const left = STOP_EARLY.has(name) ? 0.2 : 1e-5;
    for (const [i, value] of out.data.entries())
      expect(Math.abs(value - picture.data[i]!)).toBeLessThan(left);
  });

  test('leaves its input alone and hands back a new latent of the same shape', async () => {
    const start = normalTensor(12, 14);
    const copy = start.data.slice();
    const out = await sample(gaussian, start, sigmas, { noise: seededNoise(12) });
    expect(start.data).toEqual(copy);
    expect(out.shape).toEqual(start.shape);
    expect(out.data.every(Number.isFinite)).toBe(true);
  });

  test('gives x back where there is nothing to walk', async () => {
    const start = normalTensor(12, 1);
    for (const short of [new Float32Array(0), Float32Array.of(3)]) {
      expect(await sample(gaussian, start, short, { noise: seededNoise(12) })).toBe(start);
    }
  });

  test('manages with a single step', async () => {
    const picture = tensor(Float32Array.of(0.5, -0.25), [1, 1, 1, 2]);
    const out = await sample(constantPicture(picture), normalTensor(2, 10), Float32Array.of(10, 0), {
      noise: seededNoise(2),
    });
    for (const [i, value] of out.data.entries()) expect(value).toBeCloseTo(picture.data[i]!, 2);
  });

  test('comes to an end where the network answers with what is no number', async () => {
    const broken = tensor(new Float32Array(12).fill(Number.NaN), [1, 1, 1, 12]);
    let asked = 0;
    const answer = async () => {
      if (++asked > 100) throw new Error('asked without end');
      return { ...broken, negative: broken };
    };
    const out = await sample(answer, normalTensor(12, 14), sigmas, { noise: seededNoise(12) });
    expect(out.data.some(Number.isFinite)).toBe(false);
  });

  test('stops between steps when told to, with the reason', async () => {
    const abort = new AbortController();
    const reason = new Error('enough');
    let reports = 0;
    const onStep = (): void => {
      if (++reports === 2) abort.abort(reason);
    };
    const walk = sample(gaussian, normalTensor(12, 14), sigmas, {
      noise: seededNoise(12),
      onStep,
      signal: abort.signal,
    });
    await expect(walk).rejects.toBe(reason);
    expect(reports).toBe(2);
  });

  test('reports its steps in order, at falling sigmas', async () => {
    const reports: StepReport[] = [];
    const options = { noise: seededNoise(12), onStep: (report: StepReport) => void reports.push(report) };
    await sample(gaussian, normalTensor(12, 14), sigmas, options);
    expect(reports.map(({ step }) => step)).toEqual(reports.map((_, i) => i));
    expect(reports[0]!.sigma).toBeCloseTo(14, 4);
    for (let i = 1; i < reports.length; i++)
      expect(reports[i]!.sigma).toBeLessThanOrEqual(reports[i - 1]!.sigma + 1e-6);
  });

  test('asks for noise only if it says so', async () => {
    let asked = 0;
    const draw = seededNoise(12);
    await sample(gaussian, normalTensor(12, 14), sigmas, {
      noise: (from, to) => {
        asked++;
        expect(from).toBeGreaterThan(to);
        return draw(from, to);
      },
    });
    if (noise === 'none') expect(asked).toBe(0);
    else if (name !== 'ddim') expect(asked).toBeGreaterThan(0);
  });
});

describe('order of convergence on pictures of unit variance', () => {
  test.each([
    ['euler', 0.9],
    ['heun', 1.8],
    ['dpm_2', 1.8],
    ['dpmpp_2m', 1.6],
    ['dpmpp_2s', 1.3],
    ['res_multistep', 1.6],
    ['lms', 1.8],
    ['ipndm_v', 1.3],
    ['deis', 1.8],
    ['uni_pc', 1.9],
    ['uni_pc_bh2', 1.9],
    ['dpm_fast', 1.8],
  ] as const)('%s is at least %f', async (name, order) => {
    const { sample } = SAMPLERS[name];
    const [coarse, fine] = [await gaussianError(sample, 40), await gaussianError(sample, 80)];
    expect(Math.log2(coarse / fine)).toBeGreaterThan(order);
  });
});

describe('noise renewed on the way', () => {
  const stochastic = entries.filter(
    ([name, { noise }]) => noise !== 'none' && name !== 'ddim' && name !== 'lcm',
  );
  const SIZE = 8_000;

  test.each(stochastic)('%s keeps the variance of the pictures', async (_, { sample }) => {
    const sigmas = Float32Array.of(...logSigmas(14, 0.03, 60), 0);
    const out = await sample(gaussian, normalTensor(SIZE, Math.sqrt(1 + 14 ** 2)), sigmas, {
      noise: seededNoise(SIZE),
    });
    const { mean, variance } = meanAndVariance(out.data);
    expect(Math.abs(mean)).toBeLessThan(0.05);
    expect(Math.abs(variance - 1)).toBeLessThan(0.12);
  });

  test('ddim with eta 1 does too', async () => {
    const sigmas = Float32Array.of(...logSigmas(14, 0.03, 60), 0);
    const options = { noise: seededNoise(SIZE), eta: 1 };
    const out = await SAMPLERS.ddim.sample(gaussian, normalTensor(SIZE, 14), sigmas, options);
    expect(Math.abs(meanAndVariance(out.data).variance - 1)).toBeLessThan(0.12);
  });

  test('churn raises the noise before a step and keeps the variance', async () => {
    const sigmas = Float32Array.of(...logSigmas(14, 0.03, 60), 0);
    const draw = seededNoise(SIZE);
    let asked = 0;
    const noise = (from: number, to: number) => {
      asked++;
      expect(to).toBeGreaterThan(from);
      return draw(from, to);
    };
    const options = { noise, churn: 20, churnMin: 0.1, churnMax: 5 };
    const out = await SAMPLERS.heun.sample(gaussian, normalTensor(SIZE, 14), sigmas, options);
    expect(asked).toBe(sigmas.filter((sigma) => sigma >= 0.1 && sigma <= 5).length);
    expect(Math.abs(meanAndVariance(out.data).variance - 1)).toBeLessThan(0.12);
  });
});
