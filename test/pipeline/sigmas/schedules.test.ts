import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cumulativeAlphas } from '../../../main/pipeline/sigmas/alphas.ts';
import { modelSigmas } from '../../../main/pipeline/sigmas/modelSigmas.ts';
import { SCHEDULES, type Schedule } from '../../../main/pipeline/sigmas/schedules.ts';
import type { SchedulesPart } from '../../conformance/samplerSchedules.ts';
import { goldenCase, goldenTensors, readFloat32 } from '../../helpers/golden.ts';

const model = modelSigmas();
const names = Object.keys(SCHEDULES) as (keyof typeof SCHEDULES)[];

describe.each(names)('%s', (name) => {
  const schedule: Schedule = SCHEDULES[name];

  test('descends strictly from at most the largest sigma to 0, whatever the number of steps', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 150 }), (steps) => {
        const sigmas = schedule(model, steps);
        expect(sigmas.at(-1)).toBe(0);
        expect(sigmas[0]).toBeLessThanOrEqual(model.sigmaMax * (1 + 1e-6));
        for (let i = 1; i < sigmas.length; i++) expect(sigmas[i]).toBeLessThan(sigmas[i - 1]!);
      }),
      { numRuns: 25 },
    );
  });

  test('takes about as many steps as asked', () => {
    for (const steps of [1, 4, 20, 50]) {
      expect(Math.abs(schedule(model, steps).length - 1 - steps)).toBeLessThanOrEqual(
        name === 'ddim_uniform' ? 2 : 0,
      );
    }
  });
});

test("are ComfyUI's to the last bit, but for a value in a hundred: SDE samplers need that", () => {
  const { schedules } = goldenCase<{ schedules: SchedulesPart }>('samplers');
  const file = goldenTensors('samplers', schedules.file);
  let values = 0;
  let different = 0;
  for (const { scheduler, steps, tensor } of schedules.tables) {
    if (!tensor) continue;
    const expected = readFloat32(file, tensor);
    const actual = SCHEDULES[scheduler as keyof typeof SCHEDULES](model, steps);
    values += expected.length;
    different += expected.filter((sigma, i) => sigma !== actual[i]).length;
  }
  expect(values).toBeGreaterThan(1500);
  expect(different).toBeLessThanOrEqual(values / 100);
});

test('a model whose smallest sigma is 0 gets no second 0', () => {
  const noiseFree = modelSigmas(cumulativeAlphas(new Float64Array(100).map((_, i) => i * 1e-4)));
  for (const name of ['normal', 'ddim_uniform'] as const) {
    const sigmas = SCHEDULES[name](noiseFree, 10);
    expect(sigmas.filter((sigma) => sigma < 1e-9)).toHaveLength(1);
  }
});
