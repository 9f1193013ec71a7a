/** The float mask: coverage is exact where it can be computed by hand, inversion is its own inverse, growing moves edges by pixels. */
import { describe, expect, it } from 'vitest';
import {
  blankCoverage,
  type Coverage,
  polygonCoverage,
  rectangleCoverage,
  stampSegment,
  strokeTiles,
  TILE,
} from '../../../renderer/document/coverage.ts';
import type { Rect } from '../../../renderer/document/geometry.ts';
import {
  applyOperation,
  cropCoverage,
  type MaskOperation,
  restoreCoverage,
} from '../../../renderer/document/mask.ts';
import { feather, grow } from '../../../renderer/document/morphology.ts';
import { radiusAt, type Stroke } from '../../../renderer/document/stroke.ts';

const area = { x: -8, y: 4, width: 64, height: 48 };
const sum = (data: Float32Array) => data.reduce((total, value) => total + value, 0);
const paint = (...operations: MaskOperation[]) => {
  const mask = blankCoverage(area);
  for (const operation of operations) applyOperation(mask, operation);
  return mask;
};
const rectangle = (x: number, y: number, width: number, height: number, erase = false): MaskOperation => ({
  kind: 'rectangle',
  rect: { x, y, width, height },
  erase,
});

/** A stroke on its own, put together from its squares. */
function drawn(stroke: Stroke, clip: Rect): Coverage {
  const whole = blankCoverage(clip);
  for (const tile of strokeTiles(stroke, clip)) restoreCoverage(whole, [tile]);
  return whole;
}

describe('coverage', () => {
  it('gives rectangles and polygons their exact area, fractions included', () => {
    const clip = { x: 0, y: 0, width: 40, height: 40 };
    expect(sum(rectangleCoverage({ x: 3.25, y: 4.5, width: 10.5, height: 2.25 }, clip)!.data)).toBeCloseTo(
      10.5 * 2.25,
      4,
    );
    expect(sum(polygonCoverage([2, 2, 22, 2, 2, 22], clip)!.data)).toBeCloseTo(200, 0);
    expect(polygonCoverage([50, 50, 60, 50, 50, 60], clip)).toBeNull();
  });

  it('draws a dot as a disc of its size, and overlapping pieces of a stroke do not add up', () => {
    const clip = { x: 0, y: 0, width: 64, height: 64 };
    const draw = (points: number[], size: number, hardness: number) =>
      drawn({ points, size, hardness, opacity: 1 }, clip);
    const dot = draw([32, 32, 0.5], 20, 1);
    expect(sum(dot.data)).toBeGreaterThan(Math.PI * 100 * 0.97);
    expect(sum(dot.data)).toBeLessThan(Math.PI * 100 * 1.03);
    const back = draw([20, 32, 0.5, 40, 32, 0.5, 20, 32, 0.5], 8, 0.2);
    expect(back.data).toEqual(draw([20, 32, 0.5, 40, 32, 0.5], 8, 0.2).data);
  });

  it('is narrower where the pen presses less', () => {
    const line = (pressure: number) =>
      drawn(
        { points: [8, 16, pressure, 40, 16, pressure], size: 12, hardness: 1, opacity: 1 },
        { x: 0, y: 0, width: 64, height: 32 },
      );
    expect(sum(line(0.2).data)).toBeLessThan(sum(line(0.5).data) * 0.75);
  });

  it('draws a stroke square by square as it would at once, and leaves untouched squares out', () => {
    const clip = { x: -100, y: -40, width: 4 * TILE + 17, height: 3 * TILE };
    const stroke = {
      points: [-300, -200, 0.5, 90, 60, 0.9, 700, 500, 0.2, 720, 480, 0.5],
      size: 60,
      hardness: 0.4,
      opacity: 1,
    };
    const at = (i: number) => ({
      x: stroke.points[i * 3]!,
      y: stroke.points[i * 3 + 1]!,
      radius: radiusAt(stroke, stroke.points[i * 3 + 2]!),
    });
    const whole = blankCoverage(clip);
    for (let i = 0; i < 4; i++) stampSegment(whole, at(Math.max(i - 1, 0)), at(i), stroke.hardness);
    expect(drawn(stroke, clip).data).toEqual(whole.data);
    expect([...strokeTiles(stroke, clip)].length).toBeLessThan(10);
    expect([...strokeTiles({ ...stroke, points: [-900, 0, 0.5] }, clip)]).toEqual([]);
  });
});

describe('mask operations', () => {
  it('adds with 1 − (1 − a)(1 − b), erases with a(1 − b)', () => {
    const half: MaskOperation = {
      kind: 'stroke',
      erase: false,
      stroke: { points: [20, 20, 0.5], size: 16, hardness: 1, opacity: 0.5 },
    };
    const at = (mask: { data: Float32Array }) => mask.data[(20 - area.y) * area.width + 20 - area.x];
    expect(at(paint(half))).toBeCloseTo(0.5);
    expect(at(paint(half, half))).toBeCloseTo(0.75);
    expect(at(paint(half, half, { ...half, erase: true }))).toBeCloseTo(0.375);
    expect(at(paint(half, rectangle(0, 4, 40, 40, true)))).toBe(0);
  });

  it('inverts twice to itself', () => {
    const once = paint(rectangle(2.5, 8, 9, 9));
    const twice = paint(rectangle(2.5, 8, 9, 9), { kind: 'invert', area }, { kind: 'invert', area });
    expect(twice.data).toEqual(once.data);
    expect(sum(paint(rectangle(2, 8, 9, 9), { kind: 'invert', area }).data)).toBe(
      area.width * area.height - 81,
    );
  });

  it('hands back what was there before, so that every kind of operation can be undone', () => {
    const start = paint(rectangle(2.5, 8, 20, 19), { kind: 'invert', area });
    const operations: MaskOperation[] = [
      rectangle(5, 10, 30, 12, true),
      { kind: 'lasso', points: [0, 6, 40, 20, 8, 44], erase: false },
      {
        kind: 'stroke',
        erase: false,
        stroke: { points: [0, 10, 0.5, 50, 40, 0.5], size: 9, hardness: 0.5, opacity: 0.7 },
      },
      {
        kind: 'region',
        region: { area: { x: 4, y: 6, width: 3, height: 2 }, runs: [1, 2, 1, 2] },
        erase: true,
      },
      { kind: 'invert', area },
      { kind: 'fill', area },
    ];
    for (const operation of operations) {
      const mask = { area, data: start.data.slice() };
      const before = applyOperation(mask, operation);
      expect(mask.data, operation.kind).not.toEqual(start.data);
      restoreCoverage(mask, before.reverse());
      expect(mask.data, operation.kind).toEqual(start.data);
    }
  });

  it('crops across its border with zeros', () => {
    const crop = cropCoverage(paint({ kind: 'fill', area }), { x: -10, y: 0, width: 4, height: 6 });
    expect([...crop.data]).toEqual([...Array(16).fill(0), 0, 0, 1, 1, 0, 0, 1, 1]);
  });
});

describe('growing and feathering', () => {
  const square = () => paint(rectangle(10, 16, 16, 16));
  it('moves straight edges by whole pixels, outwards and back', () => {
    const row = (mask: { data: Float32Array }) => [...mask.data.subarray(20 * area.width, 21 * area.width)];
    const wide = row(grow(square(), 3));
    expect(wide.indexOf(1)).toBe(10 - area.x - 3);
    expect(wide.filter((value) => value === 1)).toHaveLength(22);
    expect(row(grow(square(), -4)).filter((value) => value === 1)).toHaveLength(8);
    expect(grow(square(), 0).data).toEqual(square().data);
  });

  it('matches a brute-force distance', () => {
    const mask = paint(rectangle(3, 10, 5, 2), rectangle(30, 30, 2, 7));
    const grown = grow(mask, 5);
    for (let y = 0; y < area.height; y++)
      for (let x = 0; x < area.width; x++) {
        let nearest = Infinity;
        for (let v = 0; v < area.height; v++)
          for (let u = 0; u < area.width; u++)
            if (mask.data[v * area.width + u]! >= 0.5) nearest = Math.min(nearest, Math.hypot(u - x, v - y));
        const expected = Math.max(mask.data[y * area.width + x]!, Math.min(1, Math.max(0, 6 - nearest)));
        expect(grown.data[y * area.width + x]!).toBeCloseTo(expected, 4);
      }
  });

  it('feathers to a ramp that keeps the amount and never leaves 0–1', () => {
    const soft = feather(square(), 6);
    expect(sum(soft.data)).toBeCloseTo(256, 1);
    expect(Math.min(...soft.data)).toBeGreaterThanOrEqual(0);
    const edge = soft.data[(24 - area.y) * area.width + 10 - area.x]!;
    expect(edge).toBeGreaterThan(0.4);
    expect(edge).toBeLessThan(0.65);
    expect(feather(paint({ kind: 'fill', area }), 20).data.every((value) => value > 0.999)).toBe(true);
  });
});
