import { expect, test } from 'vitest';
import { largestCard } from '../../../main/engine/devices/graphics.ts';

const GIB = 2 ** 30;

test('of two cards the one with more memory counts; NVIDIA’s driver is believed before the system', () => {
  const card = largestCard(
    [
      { vendor: 'Intel', model: 'UHD Graphics 630', vram: 128, vramDynamic: false },
      { vendor: 'NVIDIA', model: 'GeForce RTX 4070', vram: 4095, memoryTotal: 12282 },
    ],
    32 * GIB,
  );
  expect(card).toEqual({ name: 'NVIDIA GeForce RTX 4070', memoryBytes: 12282 * 2 ** 20 });
});

test('a GPU that shares the machine’s memory is given a part of it', () => {
  const apple = largestCard([{ vendor: 'Apple', model: 'M3', vram: null, vramDynamic: true }], 16 * GIB);
  expect(apple).toEqual({ name: 'Apple M3', memoryBytes: 16 * GIB * 0.6 });
});

test('nothing known stays unknown', () => {
  expect(largestCard([], 8 * GIB)).toBeUndefined();
  expect(largestCard([{ vendor: '', model: '', vram: null }], 8 * GIB)).toEqual({
    name: 'an unnamed graphics card',
    memoryBytes: undefined,
  });
});
