import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countTokens } from '../../../main/pipeline/text/countTokens.ts';

describe('countTokens', () => {
  test('counts an empty prompt as one chunk', () => {
    expect(countTokens('', { emphasis: 'comfy' })).toEqual({ tokens: 0, chunks: 1, boundaries: [] });
  });

  test('does not count weights and LoRA tags', () => {
    expect(countTokens('a (red:1.2) boat<lora:x:0.8>', { emphasis: 'comfy' }).tokens).toBe(3);
  });

  test.each(['comfy', 'a1111'] as const)('%s: says where the second chunk begins', (emphasis) => {
    const prompt = `(red Boat:1.2), ${'old house, '.repeat(30)}THE END`;
    const { tokens, chunks, boundaries } = countTokens(prompt, { emphasis });
    expect({ tokens, chunks }).toEqual({ tokens: 95, chunks: 2 });
    const [boundary = -1] = boundaries;
    // 75 tokens fill the first chunk: 3 of "red boat," and 24 × "old house,".
    expect(prompt.slice(0, boundary)).toBe(`(red Boat:1.2), ${'old house, '.repeat(24)}`);
  });

  test('a BREAK opens a chunk', () => {
    expect(countTokens('a BREAK b', { emphasis: 'a1111' })).toEqual({
      tokens: 2,
      chunks: 2,
      boundaries: [8],
    });
  });

  test('prompt editing counts at its longest', () => {
    expect(countTokens('[a:b c d:0.5]', { emphasis: 'a1111' }).tokens).toBe(3);
  });

  test('an embedding counts its vectors', () => {
    const embeddings = [{ name: 'glow', vectors: 80 }];
    const counted = countTokens('embedding:glow, b', { emphasis: 'comfy', embeddings });
    expect(counted).toMatchObject({ tokens: 82, chunks: 2 });
    expect(countTokens('glow, b', { emphasis: 'a1111', embeddings }).tokens).toBe(82);
  });

  test('boundaries rise and lie in the prompt, whatever it is', () => {
    const words = fc.array(
      fc.constantFrom('(cat:1.2)', 'Dog,', 'İ', '<lora:a:1>', '猫', 'BREAK', '1', '[a|b]'),
      {
        maxLength: 200,
      },
    );
    fc.assert(
      fc.property(words, fc.constantFrom('comfy', 'a1111'), (list, emphasis) => {
        const prompt = list.join(' ');
        const { chunks, boundaries } = countTokens(prompt, { emphasis, steps: 4 });
        expect(boundaries).toHaveLength(chunks - 1);
        const ends = [0, ...boundaries, prompt.length];
        expect(ends.toSorted((a, b) => a - b)).toEqual(ends);
      }),
      { numRuns: 50 },
    );
  });
});
