/** Blending through the mask: untouched pixels stay bit-identical, and a result can be blended again with another mask. */
import { describe, expect, it } from 'vitest';
import {
  coverHoles,
  cutOut,
  latentCells,
  maskPixels,
  type Pixels,
  unblend,
} from '../../../renderer/document/blend.ts';

const picture = (width: number, height: number, value: (i: number) => number): Pixels => ({
  width,
  height,
  data: Uint8ClampedArray.from({ length: width * height * 4 }, (_, i) => (i % 4 === 3 ? 255 : value(i))),
});
const area = { x: 0, y: 0, width: 16, height: 2 };
const ramp = { area, data: Float32Array.from({ length: 32 }, (_, i) => (i % 16) / 15) };
const source = picture(16, 2, (i) => (i * 7) % 256);
const made = picture(16, 2, (i) => 255 - ((i * 13) % 256));
/** What the engine hands back: source + m (made − source). */
const result = picture(
  16,
  2,
  (i) => source.data[i]! + ramp.data[i >> 2]! * (made.data[i]! - source.data[i]!),
);

describe('blend', () => {
  it('finds what was made wherever the mask lets it through', () => {
    const found = unblend(result, source, ramp);
    for (let i = 0; i < 128; i++) {
      if (i % 4 === 3) continue;
      const m = ramp.data[i >> 2]!;
      if (m >= 1 / 8) expect(Math.abs(found.data[i]! - made.data[i]!)).toBeLessThanOrEqual(0.5 / m + 1);
      else expect(found.data[i]).toBe(source.data[i]);
    }
  });

  it('cuts out with the mask as alpha: nothing where the mask is 0', () => {
    const cut = cutOut(made, ramp);
    expect(cut.data[3]).toBe(0);
    expect(cut.data[15 * 4 + 3]).toBe(255);
    expect(cut.data[0]).toBe(made.data[0]);
  });

  it('masks holes whole, and counts them', () => {
    const holed = picture(16, 2, () => 9);
    holed.data[3] = 0;
    const { mask, holes } = coverHoles({ area, data: new Float32Array(32) }, holed);
    expect(holes).toBe(1);
    expect(mask.data[0]).toBe(1);
    expect(mask.data[1]).toBe(0);
  });

  it('writes the mask white on black, and averages it over latent cells', () => {
    expect([...maskPixels(ramp).data.slice(15 * 4, 16 * 4)]).toEqual([255, 255, 255, 255]);
    const full = {
      area: { x: 0, y: 0, width: 16, height: 8 },
      data: Float32Array.from({ length: 128 }, (_, i) => (i % 16 < 8 ? 1 : 0)),
    };
    expect([...latentCells(full).data]).toEqual([1, 0]);
  });
});
