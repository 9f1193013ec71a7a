import { describe, expect, test } from 'vitest';
import { type GroupedPrompt, groupTokens } from '../../../main/pipeline/text/tokenGroups.ts';
import { decodeTokens } from '../../../main/pipeline/text/tokenize.ts';

const NAMES = [
  { name: 'bad', tokenIds: [49408] },
  { name: 'bad_hands', tokenIds: [49409, 49410] },
  { name: 'unfit', tokenIds: [] },
];

/** Groups as readable strings: text decoded, embeddings as <vectors>. */
function shown({ groups }: GroupedPrompt): string[] {
  return groups
    .map(({ kind, tokens }) => {
      if (kind === 'text') return decodeTokens(tokens.map(({ id }) => id));
      return kind === 'break' ? 'BREAK' : `<${tokens.map(({ id }) => id - 49408)}>`;
    })
    .filter((text) => text !== '');
}

describe('groupTokens by ComfyUI', () => {
  const group = (prompt: string): GroupedPrompt => groupTokens(prompt, 'comfy', NAMES);

  test('splices embeddings in under their prefix', () => {
    expect(shown(group('a embedding:bad_hands, cat'))).toEqual(['a', '<1,2>', ', cat']);
    expect(shown(group('embedding:BAD.safetensors dog\nembedding:bad'))).toEqual(['<0>', 'dog', '<0>']);
  });

  test('the weight of the group is that of the embedding', () => {
    expect(group('(embedding:bad:1.3)').groups).toEqual([
      { kind: 'embedding', weight: 1.3, tokens: [{ id: 49408, word: 'bad' }] },
    ]);
  });

  test('reports a name that is not there and keeps the rest', () => {
    const result = group('embedding:missing, dog');
    expect(shown(result)).toEqual([', dog']);
    expect(result.problems).toEqual([expect.stringContaining('"missing"')]);
    expect(group('embedding:').groups).toEqual([]);
  });

  test('the prefix inside a word is text, and so is a bare name', () => {
    expect(shown(group('xembedding:bad'))).toEqual(['xembedding : bad']);
    expect(shown(group('bad cat'))).toEqual(['bad cat']);
  });

  test('one that does not fit the encoder leaves nothing behind', () => {
    expect(shown(group('a embedding:unfit, b'))).toEqual(['a', ', b']);
    expect(group('a embedding:unfit, b').problems).toEqual([]);
  });
});

describe('groupTokens by A1111', () => {
  const group = (prompt: string): GroupedPrompt => groupTokens(prompt, 'a1111', NAMES);

  test('finds bare names, the longest first, in any case', () => {
    expect(shown(group('a Bad_Hands, bad dog'))).toEqual(['a', '<1,2>', ',', '<0>', 'dog']);
  });

  test('a name that does not fit the encoder is a word', () => {
    expect(shown(group('unfit cat'))).toEqual(['unfit cat']);
  });

  test('passes breaks on', () => {
    expect(shown(group('a BREAK b'))).toEqual(['a', 'BREAK', 'b']);
  });
});
