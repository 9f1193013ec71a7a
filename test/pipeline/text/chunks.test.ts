import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { packChunk, splitChunks } from '../../../main/pipeline/text/chunks.ts';
import type { TokenGroup } from '../../../main/pipeline/text/tokenGroups.ts';
import { CLIP_L, OPEN_CLIP_H } from '../../../native-models/models/configs.ts';

const COMMA = 267;

function group(ids: readonly number[], kind: TokenGroup['kind'] = 'text', weight = 1): TokenGroup {
  return { kind, weight, tokens: ids.map((id) => ({ id, word: `${id}` })) };
}

function words(count: number): number[] {
  return Array.from({ length: count }, (_, i) => 1000 + i);
}

function lengths(groups: readonly TokenGroup[], emphasis: 'comfy' | 'a1111'): number[] {
  return splitChunks(groups, emphasis, 75).map((chunk) => chunk.length);
}

describe('splitChunks by ComfyUI', () => {
  test('cuts a long group and moves a short one on whole', () => {
    expect(lengths([group(words(80))], 'comfy')).toEqual([75, 5]);
    expect(lengths([group(words(70)), group(words(7))], 'comfy')).toEqual([70, 7]);
    expect(lengths([group(words(70)), group(words(8))], 'comfy')).toEqual([75, 3]);
  });

  test('75 tokens are one chunk, none are one too', () => {
    expect(lengths([group(words(75))], 'comfy')).toEqual([75]);
    expect(lengths([], 'comfy')).toEqual([0]);
  });
});

describe('splitChunks by A1111', () => {
  test('breaks behind a comma among the last 20 tokens', () => {
    expect(lengths([group([...words(60), COMMA, ...words(20)])], 'a1111')).toEqual([61, 20]);
    expect(lengths([group([...words(50), COMMA, ...words(30)])], 'a1111')).toEqual([75, 6]);
  });

  test('a comma just behind the end stays at the start of the next chunk', () => {
    expect(lengths([group([...words(60), COMMA, ...words(14), COMMA, ...words(3)])], 'a1111')).toEqual([
      75, 4,
    ]);
  });

  test('a break closes the chunk, an empty one at the end is dropped', () => {
    expect(lengths([group(words(2)), group([], 'break'), group(words(3))], 'a1111')).toEqual([2, 3]);
    expect(lengths([group(words(2)), group([], 'break')], 'a1111')).toEqual([2]);
    expect(lengths([group([], 'break'), group([], 'break'), group(words(1))], 'a1111')).toEqual([0, 0, 1]);
  });

  test('an embedding is not cut unless it fills more than a chunk', () => {
    const vectors = (count: number): TokenGroup =>
      group(
        words(count).map((id) => id + 49408),
        'embedding',
      );
    expect(lengths([group(words(70)), vectors(6)], 'a1111')).toEqual([70, 6]);
    expect(lengths([group(words(69)), vectors(6)], 'a1111')).toEqual([75]);
    expect(lengths([group([...words(60), COMMA, ...words(14)]), vectors(70)], 'a1111')).toEqual([61, 14, 70]);
    expect(lengths([vectors(80)], 'a1111')).toEqual([75, 5]);
  });
});

describe.each(['comfy', 'a1111'] as const)('splitChunks (%s)', (emphasis) => {
  test('keeps every token in order with its weight, and no chunk is too long', () => {
    const id = fc.oneof(fc.constant(COMMA), fc.integer({ min: 0, max: 49405 }));
    const anyGroup = fc.record({
      kind: fc.constantFrom('text', 'embedding'),
      weight: fc.double({ noNaN: true }),
      tokens: fc.array(
        id.map((value) => ({ id: value, word: '' })),
        { maxLength: 90 },
      ),
    });
    fc.assert(
      fc.property(fc.array(anyGroup, { maxLength: 6 }), (groups) => {
        const chunks = splitChunks(groups, emphasis, 75);
        const expected = groups.flatMap(({ tokens, weight }) =>
          tokens.map((token) => ({ ...token, weight })),
        );
        expect(chunks.flat()).toEqual(expected);
        expect(Math.max(...chunks.map((chunk) => chunk.length))).toBeLessThanOrEqual(75);
      }),
    );
  });
});

describe('packChunk', () => {
  const tokens = [{ id: 320, word: 'a', weight: 1.5 }];

  test('sets start and end, and pads as the encoder was trained', () => {
    expect([...packChunk(tokens, CLIP_L).tokenIds.slice(0, 4)]).toEqual([49406, 320, 49407, 49407]);
    expect([...packChunk(tokens, OPEN_CLIP_H).tokenIds.slice(0, 4)]).toEqual([49406, 320, 49407, 0]);
  });

  test('weighs the tokens only', () => {
    const { weights } = packChunk(tokens, CLIP_L);
    expect(weights).toHaveLength(77);
    expect(weights.slice(0, 3)).toEqual([1, 1.5, 1]);
  });
});
