/** Tiles: what they cover, what they cost, and that their blend is what the whole would have been. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Tensor, tensor } from '../../main/pipeline/tensor.ts';
import { runTiled } from '../../main/pipeline/tiles.ts';

describe('runTiled', () => {
  test('gives a local operation its own result, whatever the size', async () => {
    const side = fc.integer({ min: 1, max: 70 });
    await fc.assert(
      fc.asyncProperty(side, side, fc.integer({ min: 12, max: 40 }), async (height, width, tile) => {
        const x = picture(2, 3, height, width);
        const tiled = await runTiled(x, { tile, overlap: 6, scale: 2 }, async (part) => doubled(part));
        const whole = doubled(x);
        expect(tiled.shape).toEqual(whole.shape);
        expect(largestDifference(tiled, whole)).toBeLessThan(1e-5);
      }),
    );
  });

  test('keeps tiles on the grid of an operation that shrinks', async () => {
    const seen: number[][] = [];
    const x = picture(1, 1, 72, 136);
    const small = await runTiled(x, { tile: 64, overlap: 16, scale: 1 / 8 }, async (part) => {
      seen.push(part.shape.slice(2));
      return every8th(part);
    });
    expect(small.shape).toEqual([1, 1, 9, 17]);
    expect(seen.flat().every((extent) => extent % 8 === 0 && extent <= 64)).toBe(true);
    expect(largestDifference(small, every8th(x))).toBeLessThan(1e-5);
  });

  test('works no more than the overlap asks for', async () => {
    let work = 0;
    const tiles: [number, number][] = [];
    await runTiled(
      picture(1, 1, 128, 128),
      { tile: 68, overlap: 8, scale: 1, onTile: (done, total) => tiles.push([done, total]) },
      async (part) => {
        work += part.shape[2]! * part.shape[3]!;
        return part;
      },
    );
    expect(work / 128 ** 2).toBeCloseTo((1 + 8 / 128) ** 2, 10);
    expect(tiles).toEqual([1, 2, 3, 4].map((done) => [done, 4]));
  });

  test('stops between tiles', async () => {
    const stop = new AbortController();
    const run = runTiled(
      picture(1, 1, 128, 64),
      { tile: 64, overlap: 8, scale: 1, signal: stop.signal },
      async (part) => {
        stop.abort(new Error('stopped'));
        return part;
      },
    );
    await expect(run).rejects.toThrow('stopped');
  });
});

function picture(batch: number, channels: number, height: number, width: number): Tensor {
  const data = Float32Array.from({ length: batch * channels * height * width }, (_, i) => Math.sin(i * 12.9));
  return tensor(data, [batch, channels, height, width]);
}

function largestDifference(a: Tensor, b: Tensor): number {
  return a.data.reduce((most, value, i) => Math.max(most, Math.abs(value - b.data[i]!)), 0);
}

/** Nearest ×2. */
function doubled(x: Tensor): Tensor {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const data = new Float32Array(x.data.length * 4);
  for (let i = 0; i < data.length; i++) {
    const column = i % (2 * width);
    const row = Math.floor(i / (2 * width)) % (2 * height);
    const plane = Math.floor(i / (4 * width * height));
    data[i] = x.data[(plane * height + (row >> 1)) * width + (column >> 1)]!;
  }
  return tensor(data, [batch, channels, 2 * height, 2 * width]);
}

/** The first of every 8 × 8 pixels. */
function every8th(x: Tensor): Tensor {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const [rows, columns] = [height / 8, width / 8];
  const data = Float32Array.from({ length: batch * channels * rows * columns }, (_, i) => {
    const plane = Math.floor(i / (rows * columns));
    const row = Math.floor(i / columns) % rows;
    return x.data[(plane * height + 8 * row) * width + 8 * (i % columns)]!;
  });
  return tensor(data, [batch, channels, rows, columns]);
}
