/** What a LoRA run decides without any network: buckets, the order of pictures, weights of timesteps. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bucketSizes, coverBucket, nearestBucket } from '../../../main/training/lora/buckets.ts';
import { snrWeight } from '../../../main/training/lora/noising.ts';
import { baseVersion, loraArchitecture } from '../../../main/training/lora/outputFile.ts';
import { planBatches } from '../../../main/training/lora/plan.ts';

describe('buckets', () => {
  test('at 512: the square, and sizes of kohya’s list', () => {
    const sizes = bucketSizes(512, 64).map(({ width, height }) => `${width}x${height}`);
    expect(sizes).toContain('512x512');
    expect(sizes).toContain('576x448');
    expect(sizes).toContain('448x576');
    expect(sizes).not.toContain('576x512');
  });

  test.each([
    [
      { width: 1000, height: 1000 },
      { width: 512, height: 512 },
    ],
    [
      { width: 1600, height: 1200 },
      { width: 576, height: 448 },
    ],
    [
      { width: 100, height: 4000 },
      { width: 256, height: 1024 },
    ],
  ])('%o goes to %o', (picture, bucket) => {
    expect(nearestBucket(picture, bucketSizes(512, 64))).toEqual(bucket);
  });

  test('a picture scaled to cover its bucket leaves no gap', () => {
    const side = fc.integer({ min: 1, max: 5000 });
    fc.assert(
      fc.property(side, side, (width, height) => {
        const bucket = nearestBucket({ width, height }, bucketSizes(256, 64));
        const cover = coverBucket({ width, height }, bucket);
        expect(cover.x).toBeGreaterThanOrEqual(0);
        expect(cover.y).toBeGreaterThanOrEqual(0);
        expect(cover.x + bucket.width).toBeLessThanOrEqual(cover.width);
        expect(cover.y + bucket.height).toBeLessThanOrEqual(cover.height);
      }),
    );
  });

  test('a resolution below one step has no bucket', () => {
    expect(() => nearestBucket({ width: 5, height: 5 }, bucketSizes(32, 64))).toThrow(/resolution/);
  });
});

describe('plan', () => {
  const square = { width: 128, height: 128 };
  const wide = { width: 192, height: 64 };
  const plan = planBatches([square, wide, square, square], { batch: 2, repeats: 3, seed: '5' });

  test('an epoch shows every picture at least `repeats` times, one bucket a batch', () => {
    expect(plan.batchesPerEpoch).toBe(5 + 2); // 9 of 128², 3 of 192×64, in batches of 2
    const batches = Array.from({ length: 7 }, (_, step) => plan.batchAt(step));
    const seen = batches.flatMap(({ pictures }) => pictures);
    for (const picture of [0, 1, 2, 3])
      expect(seen.filter((item) => item === picture).length).toBeGreaterThanOrEqual(3);
    for (const { bucket, pictures } of batches) {
      expect(pictures).toHaveLength(2);
      expect(pictures.every((picture) => (picture === 1 ? wide : square) === bucket)).toBe(true);
    }
  });

  test('a bucket is loaded once an epoch', () => {
    const widths = Array.from({ length: 7 }, (_, step) => plan.batchAt(step).bucket.width);
    expect(widths.filter((width, i) => i > 0 && width !== widths[i - 1])).toHaveLength(1);
  });

  test('a step’s batch depends on the seed and the step alone; epochs differ', () => {
    const again = planBatches([square, wide, square, square], { batch: 2, repeats: 3, seed: '5' });
    expect(again.batchAt(20)).toEqual(plan.batchAt(20));
    const order = (epoch: number): string =>
      JSON.stringify(Array.from({ length: 7 }, (_, i) => plan.batchAt(7 * epoch + i)));
    expect(order(1)).not.toBe(order(0));
    const other = planBatches([square, wide, square, square], { batch: 2, repeats: 3, seed: '6' });
    expect(JSON.stringify(Array.from({ length: 7 }, (_, i) => other.batchAt(i)))).not.toBe(order(0));
  });
});

test('min-SNR: eps weights are 1 where noise prevails and γ/SNR where signal does; v’s and γ = 0', () => {
  expect(snrWeight(0.5, 5, 'eps')).toBe(1); // SNR 1
  expect(snrWeight(0.99, 5, 'eps')).toBeCloseTo(5 / 99, 6);
  expect(snrWeight(0.99, 5, 'v')).toBeCloseTo(5 / 100, 6);
  expect(snrWeight(0.5, 5, 'v')).toBeCloseTo(0.5, 6);
  expect(snrWeight(0.99, 0, 'eps')).toBe(1);
  expect(snrWeight(0, 5, 'eps')).toBe(1); // pure noise
  expect(snrWeight(0, 5, 'v')).toBe(0);
});

test.each([
  ['sd15', 'eps', 'sd_v1', 'stable-diffusion-v1/lora'],
  ['sd15', 'v', 'sd_v1_v', 'stable-diffusion-v1/lora'],
  ['sd21', 'eps', 'sd_v2', 'stable-diffusion-v2-512/lora'],
  ['sd21', 'v', 'sd_v2_v', 'stable-diffusion-v2-768-v/lora'],
  ['sdxl', 'v', 'sdxl_base_v1-0', 'stable-diffusion-xl-v1-base/lora'],
] as const)('%s that predicts %s is %s to kohya', (architecture, predictionType, version, spec) => {
  expect(baseVersion({ architecture, predictionType })).toBe(version);
  expect(loraArchitecture({ architecture, predictionType })).toBe(spec);
});
