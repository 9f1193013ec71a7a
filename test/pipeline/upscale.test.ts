import { expect, test } from 'vitest';
import { type Tensor, tensor, zeros } from '../../main/pipeline/tensor.ts';
import {
  type Area,
  tileCount,
  type UpscalePlan,
  upscaleInStrips,
  upscalePlan,
} from '../../main/pipeline/upscale.ts';
import { expectClose } from '../helpers/close.ts';

/** Enlarges by repeating and then averages 5×5 output pixels: looks 2 pixels far, zeros beyond the edge. */
function blurredTwice(x: Tensor, scale: number): Tensor {
  const [, channels, height, width] = x.shape as [number, number, number, number];
  const out = zeros([1, channels, height * scale, width * scale]);
  const [outHeight, outWidth] = [height * scale, width * scale];
  const at = (c: number, y: number, xx: number): number =>
    y < 0 || xx < 0 || y >= outHeight || xx >= outWidth
      ? 0
      : x.data[(c * height + Math.floor(y / scale)) * width + Math.floor(xx / scale)]!;
  for (let i = 0; i < out.data.length; i++) {
    const [column, row, c] = [
      i % outWidth,
      Math.floor(i / outWidth) % outHeight,
      Math.floor(i / outWidth / outHeight),
    ];
    for (let dy = -2; dy <= 2; dy++)
      for (let dx = -2; dx <= 2; dx++) out.data[i]! += at(c, row + dy, column + dx) / 25;
  }
  return out;
}

function picture(width: number, height: number): Tensor {
  return tensor(
    Float32Array.from({ length: 3 * width * height }, (_, i) => Math.abs(Math.sin(i * 12.9898))),
    [1, 3, height, width],
  );
}

function cut({ data, shape }: Tensor, { x, y, width, height }: Area): Tensor {
  const [, channels, fullHeight, fullWidth] = shape as [number, number, number, number];
  const part = zeros([1, channels, height, width]);
  for (let i = 0; i < part.data.length; i++) {
    const [column, row, c] = [i % width, Math.floor(i / width) % height, Math.floor(i / width / height)];
    const [from, to] = [Math.min(fullHeight - 1, y + row), Math.min(fullWidth - 1, x + column)];
    part.data[i] = data[(c * fullHeight + from) * fullWidth + to]!;
  }
  return part;
}

async function inTiles(source: Tensor, plan: UpscalePlan) {
  const [, , height, width] = source.shape as [number, number, number, number];
  const rows: Tensor[] = [];
  const tops: number[] = [];
  const largest = { width: 0, height: 0 };
  await upscaleInStrips({ width, height }, plan, {
    read: (area) => {
      expect([area.x, area.y, area.width, area.height].map((side) => side % plan.multiple)).toEqual([
        0, 0, 0, 0,
      ]);
      largest.width = Math.max(largest.width, area.width);
      largest.height = Math.max(largest.height, area.height);
      return cut(source, area);
    },
    run: async (tile) => blurredTwice(tile, plan.scale),
    emit: (top, part) => {
      tops.push(top);
      rows.push(part);
    },
  });
  const out = zeros([1, 3, height * plan.scale, width * plan.scale]);
  for (const [index, part] of rows.entries()) {
    const plane = part.data.length / 3;
    for (let c = 0; c < 3; c++)
      out.data.set(
        part.data.subarray(c * plane, (c + 1) * plane),
        (c * height * plan.scale + tops[index]!) * width * plan.scale,
      );
  }
  return { out, largest, tops };
}

const PLAN: UpscalePlan = { tile: 24, margin: 3, fade: 4, multiple: 1, scale: 2 };

test.each([
  [24, 24],
  [25, 24],
  [97, 61],
  [13, 200],
  [1, 1],
])('%i×%i in tiles is what it is in one piece', async (width, height) => {
  const source = picture(width, height);
  const { out, largest } = await inTiles(source, PLAN);
  expectClose(out.data, blurredTwice(source, PLAN.scale).data, { atol: 1e-6 });
  expect(largest.width).toBeLessThanOrEqual(PLAN.tile);
  expect(largest.height).toBeLessThanOrEqual(PLAN.tile);
});

test('rows are handed on from top to bottom without a gap, each once', async () => {
  const { tops, out } = await inTiles(picture(30, 90), PLAN);
  expect(tops).toEqual([...tops].sort((a, b) => a - b));
  expect(new Set(tops).size).toBe(tops.length);
  expect(out.data.every((value) => value > 0)).toBe(true);
});

test('tiles of pixel-unshuffling networks lie on their grid; the overhang is cut off', async () => {
  const source = picture(71, 45);
  const { out } = await inTiles(source, { ...PLAN, multiple: 4 });
  const inner = (data: Float32Array): number[] =>
    Array.from(data).filter((_, i) => i % 142 < 130 && Math.floor(i / 142) % 90 < 80);
  expectClose(inner(out.data), inner(blurredTwice(source, 2).data), { atol: 1e-6 });
});

test('stopping between tiles', async () => {
  const controller = new AbortController();
  const source = picture(100, 100);
  let tiles = 0;
  const run = upscaleInStrips({ width: 100, height: 100 }, PLAN, {
    read: (area) => cut(source, area),
    run: async (tile) => {
      if (++tiles === 3) controller.abort();
      return blurredTwice(tile, 2);
    },
    emit: () => undefined,
    signal: controller.signal,
  });
  await expect(run).rejects.toThrow('aborted');
  expect(tiles).toBe(3);
});

test('a plan knows how far its network sees', () => {
  const srvgg = { kind: 'srvgg', imageChannels: 3, features: 64, convs: 16, scale: 4 } as const;
  expect(upscalePlan(srvgg, 256)).toEqual({ tile: 256, margin: 18, fade: 8, multiple: 1, scale: 4 });
  const rrdb = {
    kind: 'rrdb',
    imageChannels: 3,
    features: 64,
    blocks: 23,
    growth: 32,
    unshuffle: 2,
    upsamples: 2,
    scale: 2,
  } as const;
  expect(upscalePlan(rrdb, 64)).toEqual({ tile: 96, margin: 32, fade: 8, multiple: 2, scale: 2 });
  expect(tileCount(512, 512, upscalePlan(srvgg, 256))).toBe(9);
});
