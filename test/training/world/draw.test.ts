import { describe, expect, test } from 'vitest';
import { sample, writePlanar } from '../../../main/training/world/dataset.ts';
import { drawScene, type Pixels } from '../../../main/training/world/draw.ts';
import {
  COLOURS,
  type Colour,
  KINDS,
  type Scene,
  sceneFromSeed,
} from '../../../main/training/world/scene.ts';

function single(overrides: Partial<Scene>, colour: Colour = 'red'): Scene {
  const scene = sceneFromSeed(11, { count: 1 });
  const object = { kind: 'tree', colour, place: 'centre', size: 'medium', x: 0.5, extent: 0.5 } as const;
  return { ...scene, sky: 'day', ground: 'hills', background: 'none', objects: [object], ...overrides };
}

function meanDistance(a: Pixels, b: Pixels): number {
  return a.data.reduce((sum, value, i) => sum + Math.abs(value - b.data[i]!), 0) / a.data.length;
}

describe('drawScene', () => {
  test('is deterministic and fills the picture', async () => {
    const picture = await drawScene(sceneFromSeed(5), 128);
    expect(picture.data).toHaveLength(128 * 128 * 3);
    expect(await drawScene(sceneFromSeed(5), 128)).toEqual(picture);
  });

  test('the same scene at four times the size is the same picture', async () => {
    const [small, large] = [await drawScene(single({}), 64), await drawScene(single({}), 256)];
    const shrunk = new Uint8Array(small.data.length);
    for (let i = 0; i < shrunk.length; i++) shrunk[i] = blockMean(large, i, 4);
    expect(meanDistance(small, { data: shrunk, size: 64 })).toBeLessThan(1.5);
  });

  test('changing one object changes only its surroundings', async () => {
    const [red, blue] = [await drawScene(single({}, 'red'), 64), await drawScene(single({}, 'blue'), 64)];
    const changed = Array.from({ length: 64 * 64 }, (_, i) => red.data[3 * i] !== blue.data[3 * i]).filter(
      Boolean,
    ).length;
    expect(changed).toBeGreaterThan(150);
    expect(changed).toBeLessThan(64 * 64 * 0.3);
  });

  test.each(KINDS)('a %s differs clearly in every colour, by day and at night', async (kind) => {
    const object = { kind, place: 'centre', size: 'medium', x: 0.5, extent: 0.5 } as const;
    for (const sky of ['day', 'night'] as const) {
      const scenes = COLOURS.map((colour) => single({ sky, objects: [{ ...object, colour }] }));
      const pictures = await Promise.all(scenes.map((scene) => drawScene(scene, 64)));
      for (const [i, a] of pictures.entries())
        for (const b of pictures.slice(i + 1)) expect(meanDistance(a, b)).toBeGreaterThan(1);
    }
  });

  test('edges are white lines on black, few but there; the woodcut has one hue', async () => {
    const edges = await drawScene(single({}), 128, 'edges');
    const white = edges.data.filter((value) => value > 128).length / edges.data.length;
    expect(white).toBeGreaterThan(0.01);
    expect(white).toBeLessThan(0.15);
    const woodcut = await drawScene(single({}), 128, 'woodcut');
    expect(meanDistance(woodcut, await drawScene(single({}), 128))).toBeGreaterThan(30);
    for (let i = 0; i < woodcut.data.length; i += 3)
      expect(Math.abs(woodcut.data[i]! - woodcut.data[i + 1]!)).toBeLessThan(25);
  });
});

describe('sample and writePlanar', () => {
  test('gives the picture, its caption and planar values in [-1, 1]', async () => {
    const { pixels, caption } = await sample(4, 'train', { size: 32 });
    expect(caption.length).toBeGreaterThan(5);
    const planar = new Float32Array(2 * 3 * 32 * 32);
    writePlanar(pixels, planar, 3 * 32 * 32);
    expect(planar[3 * 32 * 32 + 32 * 32]).toBeCloseTo(pixels.data[1]! / 127.5 - 1, 6);
    expect(() => writePlanar(pixels, planar, 3 * 32 * 32 + 1)).toThrow(RangeError);
  });
});

function blockMean({ data, size }: Pixels, index: number, factor: number): number {
  const [channel, pixel] = [index % 3, Math.floor(index / 3)];
  const [x, y] = [(pixel % (size / factor)) * factor, Math.floor(pixel / (size / factor)) * factor];
  let sum = 0;
  for (let dy = 0; dy < factor; dy++)
    for (let dx = 0; dx < factor; dx++) sum += data[3 * ((y + dy) * size + x + dx) + channel]!;
  return sum / (factor * factor);
}
