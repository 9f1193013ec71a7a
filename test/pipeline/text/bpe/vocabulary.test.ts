import { describe, expect, test } from 'vitest';
import {
  COMMA_ID,
  clipVocabulary,
  END_ID,
  START_ID,
  VOCABULARY_SIZE,
} from '../../../../main/pipeline/text/bpe/vocabulary.ts';

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
