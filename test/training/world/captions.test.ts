import { describe, expect, test } from 'vitest';
import { tokenize } from '../../../main/pipeline/text/tokenize.ts';
import { canonicalPrompt, captionOf } from '../../../main/training/world/captions.ts';
import { captionAt, sceneAt } from '../../../main/training/world/dataset.ts';
import { type Scene, sceneFromSeed } from '../../../main/training/world/scene.ts';

const one: Scene = {
  seed: 1,
  sky: 'sunset',
  ground: 'sea',
  background: 'none',
  light: 'left',
  objects: [{ kind: 'boat', colour: 'red', place: 'left', size: 'small', x: 0.27, extent: 0.4 }],
};

describe('canonicalPrompt', () => {
  test('names colour, kind, ground and sky', () => {
    expect(canonicalPrompt(one)).toBe('a red boat on the sea at sunset');
    expect(canonicalPrompt(one, { places: true })).toBe('a small red boat on the left on the sea at sunset');
  });

  test('a balloon floats over its ground, an orange one with "an"', () => {
    const balloon = { ...one.objects[0]!, kind: 'balloon', colour: 'orange' } as const;
    expect(canonicalPrompt({ ...one, objects: [balloon] })).toBe('an orange balloon over the sea at sunset');
  });

  test('an empty scene is its sky over its ground', () => {
    expect(canonicalPrompt({ ...one, objects: [] })).toBe('sunset over the sea');
  });
});

describe('captionOf', () => {
  const captions = Array.from({ length: 4000 }, (_, i) => ({ scene: sceneAt(i, 'train'), i })).map(
    ({ scene, i }) => captionAt(scene, i),
  );

  test('is tidy lower case', () => {
    for (const caption of captions) {
      expect(caption).toBe(caption.toLowerCase().trim());
      expect(caption).not.toMatch(/ {2}| ,|,,|undefined|^,|,$|(of|with) (at|on|in|under|there|as|by) /);
    }
  });

  test('stays below 40 CLIP tokens', () => {
    const longest = Math.max(...captions.slice(0, 1500).map((caption) => tokenize(caption).length));
    expect(longest).toBeLessThan(40);
  });

  test('words one scene in many ways', () => {
    const wordings = new Set(Array.from({ length: 200 }, (_, seed) => captionOf(one, seed)));
    expect(wordings.size).toBeGreaterThan(150);
  });

  test('leaves the colour and the place out in at most a quarter of the wordings', () => {
    const wordings = Array.from({ length: 2000 }, (_, seed) => captionOf(one, seed));
    const missing = (word: string): number =>
      wordings.filter((caption) => !caption.includes(word)).length / wordings.length;
    expect(missing(' red ')).toBeGreaterThan(0.02);
    expect(missing(' red ')).toBeLessThan(0.1);
    expect(missing('left')).toBeGreaterThan(0.15);
    expect(missing('left')).toBeLessThan(0.3);
  });

  test('calls the woodcut by its trigger', () => {
    expect(captionAt(sceneFromSeed(1), 1, 'woodcut')).toMatch(/^woodcut print, /);
  });
});
