import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mergePairs } from '../../../../main/pipeline/text/bpe/bytePairs.ts';
import { clipVocabulary, pairKey } from '../../../../main/pipeline/text/bpe/vocabulary.ts';

/** The textbook loop: merge every occurrence of the earliest-learned pair, left to right, until there is none. */
function mergeSlowly(start: readonly number[], merges: ReadonlyMap<number, number>): number[] {
  let ids = [...start];
  for (;;) {
    const candidates = ids.slice(1).flatMap((right, i) => merges.get(pairKey(ids[i]!, right)) ?? []);
    if (candidates.length === 0) return ids;
    const best = Math.min(...candidates);
    const merged: number[] = [];
    for (let i = 0; i < ids.length; i++) {
      const fits = i + 1 < ids.length && merges.get(pairKey(ids[i]!, ids[i + 1]!)) === best;
      merged.push(fits ? best : ids[i]!);
      if (fits) i++;
    }
    ids = merged;
  }
}

describe('mergePairs', () => {
  const { merges, idOf, tokenOf } = clipVocabulary();

  test('merges as the textbook loop does', () => {
    const letters = fc.array(
      fc.constantFrom(...'aehilnorst').map((letter) => idOf.get(letter)!),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(letters, (ids) => {
        expect(mergePairs(ids, merges)).toEqual(mergeSlowly(ids, merges));
      }),
    );
  });

  test('of equal pairs the leftmost merges first', () => {
    const [a, aa] = [idOf.get('a')!, tokenOf.indexOf('aa')];
    expect(mergePairs([a, a, a], new Map([[pairKey(a, a), aa]]))).toEqual([aa, a]);
  });

  test('keeps what has no merge, and nothing at all', () => {
    expect(mergePairs([], merges)).toEqual([]);
    expect(mergePairs([5, 6, 7], new Map())).toEqual([5, 6, 7]);
  });
});
