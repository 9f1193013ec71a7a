import { expect, test } from 'vitest';
import { type Need, placementFor, tileOnDevice } from '../../../main/engine/devices/placement.ts';

const GIB = 2 ** 30;
/** SD 1.5 in half precision at 512². */
const SD15: Need = {
  unet: 1.72e9,
  textEncoders: 0.25e9,
  vae: 0.17e9,
  pixels: 512 ** 2,
  fusedAttention: true,
  bytesPerValue: 2,
};

test('where memory is unknown or plenty, everything is on the device and the VAE works in one piece', () => {
  expect(placementFor(SD15, undefined)).toEqual({ on: 'device', textOnCpu: false, vaeBytes: undefined });
  const placement = placementFor(SD15, 24 * GIB);
  if (placement.on !== 'device') throw new Error('on the CPU');
  expect(placement.textOnCpu).toBe(false);
  expect(tileOnDevice(SD15.pixels, placement.vaeBytes!, 2)).toBe(Number.MAX_SAFE_INTEGER);
});

test('with less memory the VAE works in tiles, then the text encoder stays on the CPU, then all does', () => {
  const large = { ...SD15, pixels: 1024 ** 2 };
  const at = (memory: number): string => {
    const placement = placementFor(large, memory * GIB);
    if (placement.on === 'cpu') return 'cpu';
    const tiled = tileOnDevice(large.pixels, placement.vaeBytes!, 2) < 1024;
    return [tiled && 'tiles', placement.textOnCpu && 'text on the CPU'].filter(Boolean).join(', ');
  };
  expect(at(8)).toBe('');
  expect(at(5)).toBe('tiles');
  expect(at(3.7)).toBe('tiles, text on the CPU');
  expect(at(3)).toBe('cpu');
});

test('a matrix of attention scores counts: without the fused kernel a large picture does not fit', () => {
  const large = { ...SD15, pixels: 1024 ** 2 };
  expect(placementFor(large, 12 * GIB).on).toBe('device');
  const placement = placementFor({ ...large, fusedAttention: false }, 12 * GIB);
  expect(placement).toMatchObject({ on: 'cpu', reason: expect.stringMatching(/needs \d+\.\d GiB/) });
});
