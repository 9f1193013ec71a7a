import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sigmasOf } from '../../../main/pipeline/generate.ts';
import { SAMPLERS } from '../../../main/pipeline/samplers/registry.ts';
import { modelSigmas } from '../../../main/pipeline/sigmas/modelSigmas.ts';
import { SCHEDULES } from '../../../main/pipeline/sigmas/schedules.ts';
import { planSigmas, type SigmaPlan } from '../../../main/pipeline/sigmas/stepRules.ts';
import { goldenTensors, readFloat32 } from '../../helpers/golden.ts';
import { request } from '../../images/requests.ts';

const model = modelSigmas();
const base: SigmaPlan = {
  sampler: SAMPLERS.euler,
  schedule: SCHEDULES.karras,
  steps: 20,
  denoisingStrength: 1,
  stepRule: 'comfy',
};
const stepsOf = (plan: Partial<SigmaPlan>): number => planSigmas(model, { ...base, ...plan }).length - 1;
const rules = ['comfy', 'diffusers', 'a1111'] as const;

describe('planSigmas', () => {
  test('strength 0 leaves nothing to do, strength 1 is text-to-image', () => {
    for (const stepRule of rules) {
      expect(planSigmas(model, { ...base, stepRule, denoisingStrength: 0 })).toHaveLength(0);
      expect(planSigmas(model, { ...base, stepRule })).toEqual(SCHEDULES.karras(model, 20));
    }
  });

  test('each program runs its own number of steps', () => {
    expect(rules.map((stepRule) => stepsOf({ stepRule, denoisingStrength: 0.5 }))).toEqual([20, 10, 11]);
    expect(rules.map((stepRule) => stepsOf({ stepRule, denoisingStrength: 0.33 }))).toEqual([20, 6, 7]);
  });

  test('less strength never starts from more noise', () => {
    const strength = fc.double({ min: 0.01, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        fc.constantFrom(...rules),
        fc.integer({ min: 2, max: 40 }),
        strength,
        strength,
        (stepRule, steps, a, b) => {
          const first = (denoisingStrength: number): number =>
            planSigmas(model, { ...base, stepRule, steps, denoisingStrength })[0] ?? 0;
          expect(first(Math.min(a, b))).toBeLessThanOrEqual(first(Math.max(a, b)));
        },
      ),
    );
  });

  test('every step leads down, also where there are more steps than the model has sigmas', () => {
    for (const schedule of Object.values(SCHEDULES))
      for (const sampler of [SAMPLERS.euler, SAMPLERS.uni_pc]) {
        const sigmas = planSigmas(model, { ...base, sampler, schedule, denoisingStrength: 0.01 });
        expect(sigmas.length).toBeGreaterThan(8);
        for (const [i, sigma] of sigmas.subarray(1).entries()) expect(sigma).toBeLessThan(sigmas[i]!);
      }
  });

  test('dpm_2 and uni_pc lose the last sigma before 0', () => {
    const full = SCHEDULES.karras(model, 21);
    const planned = planSigmas(model, { ...base, sampler: SAMPLERS.uni_pc });
    expect([...planned]).toEqual([...full.subarray(0, 20), 0]);
  });

  test('pndm visits the second sigma twice and, by the rule of diffusers, stops at the smallest', () => {
    const full = SCHEDULES.karras(model, 20);
    const planned = planSigmas(model, { ...base, sampler: SAMPLERS.pndm, stepRule: 'diffusers' });
    expect([...planned]).toEqual([full[0], full[1], ...full.subarray(1, 20), model.sigmaMin]);
    expect(planSigmas(model, { ...base, sampler: SAMPLERS.ddim }).at(-1)).toBe(0);
  });
});

/** diffusers' "leading" timesteps with an offset of 1 are the model's every 50th, as `ddim_uniform` takes them. */
test.each(['ddim', 'pndm'])("text-to-image can walk diffusers' own %s to its end", (sampler) => {
  const plan = { sampler, schedule: 'ddim_uniform', steps: 20 };
  const walked = sigmasOf(request({ ...plan, stepRule: 'diffusers' }));
  const expected = readFloat32(goldenTensors('samplers', 'diffusers.safetensors'), `${sampler}.20.timesteps`);
  expect([...walked.subarray(0, -1)].map(model.timestepOf)).toEqual([...expected]);
  expect(walked.at(-1)).toBe(model.sigmaMin);
  expect(sigmasOf(request(plan)).at(-1)).toBe(0);
});
