import { expect, test } from 'vitest';
import { type Need, placementFor, savingsOf, tileOnDevice } from '../../../main/engine/devices/placement.ts';

const GIB = 2 ** 30;
/** SD 1.5 in half precision at 512². */
const SD15: Need = {
  unet: 1.72e9,
  textEncoders: 0.25e9,
  vae: 0.17e9,
  pixels: 512 ** 2,
  rows: 2,
  fusedAttention: true,
  bytesPerValue: 2,
};

test('where memory is unknown or plenty, everything is on the device and the VAE works in one piece', () => {
  expect(placementFor(SD15, undefined)).toMatchObject({
    ...{ on: 'device', textOnCpu: false, rows: 2, oneAtATime: false, vaeBytes: undefined },
  });
  const placement = placementFor(SD15, 24 * GIB);
  if (placement.on !== 'device') throw new Error('on the CPU');
  expect(placement.textOnCpu).toBe(false);
  expect(tileOnDevice(SD15.pixels, placement.vaeBytes!, 2)).toBe(Number.MAX_SAFE_INTEGER);
});

test('with less memory the VAE works in tiles, and ever less is on the device at once', () => {
  const large = { ...SD15, pixels: 1024 ** 2 };
  const at = (memory: number): string => {
    const placement = placementFor(large, memory * GIB);
    if (placement.on === 'cpu') return 'cpu';
    const tiled = tileOnDevice(large.pixels, placement.vaeBytes!, 2) < 1024;
    return [tiled && 'tiles', ...savingsOf(placement, large)].filter(Boolean).join(', ');
  };
  expect(at(8)).toBe('');
  expect(at(5)).toBe('tiles');
  expect(at(3.7)).toBe('tiles, the text encoder runs on the CPU');
  const rows = 'the text encoder runs on the CPU, a batch is painted row by row';
  expect(at(3.4)).toBe(`tiles, ${rows}`);
  expect(at(2.8)).toBe(`tiles, ${rows}, one network is loaded at a time`);
  expect(at(2.4)).toBe('cpu');
});

test('below what a device ran out of memory with, the plan takes less, whatever its memory is said to be', () => {
  const batch = { ...SD15, rows: 8 };
  for (const memory of [undefined, 24 * GIB]) {
    const taken: number[] = [];
    let placement = placementFor(batch, memory);
    while (placement.on === 'device') {
      taken.push(placement.bytes);
      placement = placementFor(batch, memory, 0.9 * placement.bytes);
    }
    expect(taken.length).toBeGreaterThan(2);
    expect(taken).toEqual(taken.toSorted((a, b) => b - a));
  }
});

test('a matrix of attention scores counts: without the fused kernel a large picture does not fit', () => {
  const large = { ...SD15, pixels: 1024 ** 2 };
  expect(placementFor(large, 12 * GIB).on).toBe('device');
  const placement = placementFor({ ...large, fusedAttention: false }, 12 * GIB);
  expect(placement).toMatchObject({ on: 'cpu', reason: expect.stringMatching(/needs \d+\.\d GiB/) });
});
