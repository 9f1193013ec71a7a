import { describe, expect, test } from 'vitest';
import { sceneAt } from '../../../main/training/world/dataset.ts';
import {
  COLOURS,
  GROUNDS,
  heldOutCombinations,
  isHeldOut,
  KINDS,
  type Scene,
  SKIES,
  sceneFromSeed,
} from '../../../main/training/world/scene.ts';

const scenes = Array.from({ length: 3000 }, (_, seed) => sceneFromSeed(seed));

function share(holds: (scene: Scene) => boolean): number {
  return scenes.filter(holds).length / scenes.length;
}

describe('sceneFromSeed', () => {
  test('is a function of the seed', () => {
    expect(sceneFromSeed(7)).toEqual(sceneFromSeed(7));
    expect(sceneFromSeed(7)).not.toEqual(sceneFromSeed(8));
  });

  test('mostly shows one object, sometimes none, two or three', () => {
    expect(share(({ objects }) => objects.length === 1)).toBeGreaterThan(0.75);
    for (const count of [0, 2, 3])
      expect(share(({ objects }) => objects.length === count)).toBeGreaterThan(0.005);
  });

  test('every sky, ground, kind and colour is frequent', () => {
    for (const sky of SKIES) expect(share((scene) => scene.sky === sky)).toBeGreaterThan(0.15);
    for (const ground of GROUNDS) expect(share((scene) => scene.ground === ground)).toBeGreaterThan(0.12);
    for (const kind of KINDS)
      expect(share(({ objects }) => objects.some((o) => o.kind === kind))).toBeGreaterThan(0.1);
    for (const colour of COLOURS)
      expect(share(({ objects }) => objects.some((o) => o.colour === colour))).toBeGreaterThan(0.1);
  });

  test('boats are on the sea about half of the time', () => {
    const boats = scenes.filter(({ objects }) => objects.some(({ kind }) => kind === 'boat'));
    const afloat = boats.filter(({ ground }) => ground === 'sea').length / boats.length;
    expect(afloat).toBeGreaterThan(0.4);
    expect(afloat).toBeLessThan(0.65);
  });

  test('kinds and colours differ within a scene', () => {
    for (const { objects } of scenes) {
      expect(new Set(objects.map(({ kind }) => kind)).size).toBe(objects.length);
      expect(new Set(objects.map(({ colour }) => colour)).size).toBe(objects.length);
    }
  });

  test('the options choose kinds and count', () => {
    const scene = sceneFromSeed(3, { kinds: ['cat'], count: 1 });
    expect(scene.objects.map(({ kind }) => kind)).toEqual(['cat']);
    expect(sceneFromSeed(3, { count: 3 }).objects).toHaveLength(3);
  });
});

describe('held-out combinations', () => {
  test('are 10 to 15 % of all, and leave each attribute well covered in training', () => {
    const held = heldOutCombinations();
    expect(held.length).toBeGreaterThanOrEqual(200);
    expect(held.length).toBeLessThan(0.15 * SKIES.length * GROUNDS.length * KINDS.length * COLOURS.length);
    for (const kind of KINDS) {
      for (const colour of COLOURS) {
        const heldHere = held.filter((one) => one.kind === kind && one.colour === colour).length;
        expect(heldHere).toBeLessThanOrEqual(10); // of 30 sky × ground pairs
      }
    }
  });

  test('the judge is trained on all, in their natural share', () => {
    const held = Array.from({ length: 1000 }, (_, index) => sceneAt(index, 'any')).filter(isHeldOut).length;
    expect(held).toBeGreaterThan(90);
    expect(held).toBeLessThan(180);
  });

  test('training never shows one, evaluation only such', () => {
    for (let index = 0; index < 1000; index++) {
      expect(isHeldOut(sceneAt(index, 'train'))).toBe(false);
      expect(isHeldOut(sceneAt(index, 'unseen'))).toBe(false);
      expect(isHeldOut(sceneAt(index, 'heldOut'))).toBe(true);
    }
  });
});
