/** A batch in parts: the numbers of the whole, with residuals and deep features. */
import { expect, test, vi } from 'vitest';
import { predictInParts } from '../../../main/engine/networks/rows.ts';
import type { NoisePrediction, NoisePredictionInput } from '../../../main/pipeline/model.ts';
import { type Tensor, tensor } from '../../../main/pipeline/tensor.ts';

const rows = (count: number, width: number): Tensor =>
  tensor(
    Float32Array.from({ length: count * width }, (_, i) => i),
    [count, width],
  );

/** Says of every row what it was told of it. */
async function predict(input: NoisePredictionInput): Promise<NoisePrediction> {
  const { latent, timestep, context, residuals, deep } = input;
  const told = [latent, context, residuals!.middle!, ...residuals!.skips, ...residuals!.features!];
  const given = typeof deep === 'object' ? [...told, deep.feature] : told;
  const data = latent.data.map((_, i) => {
    const row = Math.floor(i / 2);
    return given.reduce((sum, { data, shape }) => sum + data[row * shape[1]!]!, timestep[row]!);
  });
  return { data, shape: latent.shape, ...(deep === 'keep' && { deep: { feature: context } }) };
}

const input = (count: number): NoisePredictionInput => ({
  latent: rows(count, 2),
  timestep: Float32Array.from({ length: count }, (_, i) => 100 * i),
  context: rows(count, 3),
  residuals: { skips: [rows(count, 4), rows(count, 5)], middle: rows(count, 1), features: [rows(count, 6)] },
});

test.each([
  [4, 1, 4],
  [4, 2, 2],
  [4, 3, 2],
  [5, 2, 5],
  [4, 9, 1],
  [4, Number.POSITIVE_INFINITY, 1],
])('%i rows, at most %i at once: %i evaluations', async (count, most, evaluations) => {
  for (const deep of ['keep', { feature: rows(count, 7) }] as const) {
    const whole = { ...input(count), deep };
    const counted = vi.fn(predict);
    expect(await predictInParts(counted, whole, most)).toEqual(await predict(whole));
    expect(counted).toHaveBeenCalledTimes(evaluations);
  }
});
