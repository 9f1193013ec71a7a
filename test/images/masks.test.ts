import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  blurMask,
  growMask,
  invertMask,
  latentMask,
  type Mask,
  maskFromAlpha,
  maskFromChannel,
  maskFromGrey,
  maskOf,
} from '../../main/images/masks.ts';
import { pixelsOf } from '../../main/images/pixels.ts';
import { readTensorBytes } from '../../native-models/weights/safetensors.ts';
import { expectClose } from '../helpers/close.ts';
import { goldenTensors, readFloat32 } from '../helpers/golden.ts';

const smallMask = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }))
  .chain(([width, height]) =>
    fc
      .array(fc.constantFrom(0, 0, 0, 0.25, 1), { minLength: width * height, maxLength: width * height })
      .map((values) => maskOf(Float32Array.from(values), width, height)),
  );

/** Dilation by definition: the largest value within `radius`. */
function grownSlowly(mask: Mask, radius: number): number[] {
  return Array.from(mask.data, (_, i) => {
    const [x, y] = [i % mask.width, Math.floor(i / mask.width)];
    const near = Array.from(mask.data).filter(
      (_, j) => ((j % mask.width) - x) ** 2 + (Math.floor(j / mask.width) - y) ** 2 <= radius ** 2,
    );
    return Math.max(...near);
  });
}

test('golden: masks at latent size, hard and soft', () => {
  const golden = goldenTensors('cfg-txt2img-e2e', 'io.safetensors');
  const [, height, width] = golden.tensors.get('mask.soft')!.shape;
  const hard = maskOf(Float32Array.from(readTensorBytes(golden, 'mask.hard')), width!, height!);
  const soft = maskOf(readFloat32(golden, 'mask.soft'), width!, height!);
  for (const [name, mask] of [
    ['hard', hard],
    ['soft', soft],
  ] as const) {
    const [, , latentHeight, latentWidth] = golden.tensors.get(`mask.${name}.latent`)!.shape;
    const { data } = latentMask(mask, latentWidth!, latentHeight!);
    expectClose(data, readFloat32(golden, `mask.${name}.latent`), { atol: 1e-6 });
  }
});

test('white is repainted by grey, transparent by alpha', () => {
  const picture = pixelsOf(Uint8Array.from([255, 255, 255, 255, 51, 51, 51, 0]), 2, 1, 4);
  expectClose(maskFromGrey(picture).data, [1, 0.2], { atol: 1e-7 });
  expect([...maskFromAlpha(picture).data]).toEqual([0, 1]);
  expectClose(maskFromChannel(picture, 0).data, [1, 0.2], { atol: 1e-7 });
  const opaque = pixelsOf(new Uint8Array(3), 1, 1, 3);
  expect([...maskFromAlpha(opaque).data]).toEqual([0]);
});

test('growing takes the largest value inside the disc', () => {
  fc.assert(
    fc.property(smallMask, fc.double({ min: 0.1, max: 9, noNaN: true }), (mask, radius) => {
      expect([...growMask(mask, radius).data]).toEqual(grownSlowly(mask, radius));
    }),
  );
});

test('shrinking is growing of the rest, and a mask at the border keeps touching it', () => {
  const half = maskOf(
    Float32Array.from({ length: 36 }, (_, i) => (i % 6 < 3 ? 1 : 0)),
    6,
    6,
  );
  const smaller = growMask(half, -1);
  expect([...smaller.data.slice(0, 6)]).toEqual([1, 1, 0, 0, 0, 0]);
  fc.assert(
    fc.property(smallMask, (mask) => {
      expect(growMask(mask, -2)).toEqual(invertMask(growMask(invertMask(mask), 2)));
    }),
  );
});

test('feathering keeps flat masks, the sum far from borders, and stays within 0–1', () => {
  const full = maskOf(new Float32Array(200).fill(1), 20, 10);
  expectClose(blurMask(full, 4).data, full.data, { atol: 1e-6 });
  const dot = maskOf(
    Float32Array.from({ length: 41 * 41 }, (_, i) => (i === 20 * 41 + 20 ? 1 : 0)),
    41,
    41,
  );
  const soft = blurMask(dot, 3).data;
  expect(soft.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
  // Two-dimensional normal density at the centre, kernel cut at 2.5 σ.
  expect(soft[20 * 41 + 20]! / (1 / (2 * Math.PI * 9))).toBeCloseTo(1, 1);
  expect(soft[20 * 41 + 17]).toBeCloseTo(soft[17 * 41 + 20]!, 7);
  expect(blurMask(dot, 0)).toBe(dot);
});

test('a feather wider than the mask still works', () => {
  fc.assert(
    fc.property(smallMask, fc.double({ min: 0.5, max: 30, noNaN: true }), (mask, sigma) => {
      for (const value of blurMask(mask, sigma).data) expect(value >= 0 && value <= 1 + 1e-6).toBe(true);
    }),
  );
});
