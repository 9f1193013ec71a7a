import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeTokens, tokenize, tokenizeWords } from '../../../main/pipeline/text/tokenize.ts';
import { clipBpe } from '../../conformance/clipBpe.ts';
import { GOLDEN_DIR, goldenCase } from '../../helpers/golden.ts';

interface FtfyPrompt {
  readonly text: string;
  readonly hf_ids: readonly number[];
}

const anyText = fc.string({ unit: 'binary', maxLength: 60 });

describe('tokenize', () => {
  test('gives the ids of the reference tokenizers', async () => {
    const failed: string[] = [];
    for await (const check of clipBpe(join(GOLDEN_DIR, 'clip-bpe')))
      if (!check.pass) failed.push(check.tensor);
    expect(failed).toEqual([]);
  });

  test("follows Hugging Face's tokenizer on odd characters", () => {
    for (const { text, hf_ids } of goldenCase<{ ftfy_dependent: FtfyPrompt[] }>('clip-bpe').ftfy_dependent) {
      expect(tokenize(text), JSON.stringify(text)).toEqual(hf_ids);
    }
  });

  test('makes no final sigma of a word in capitals', () => {
    expect(tokenize('ΣΊΣΥΦΟΣ')).toEqual(tokenize('σίσυφοσ'));
  });

  test('takes any string', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        for (const id of tokenize(text)) expect(id >= 0 && id < 49408).toBe(true);
      }),
    );
    expect(tokenize('\ud800')).toEqual(tokenize('\ufffd'));
  });

  test('is quick with a long text that has no spaces', () => {
    const start = performance.now();
    tokenize('qwertzuiopasdfghjkl'.repeat(5000));
    expect(performance.now() - start).toBeLessThan(3000);
  });
});

describe('tokenizeWords', () => {
  test('cuts contractions, digits and punctuation', () => {
    expect(tokenizeWords("Don't 12!?").map(({ word }) => word)).toEqual(['don', "'t", '1', '2', '!?']);
  });
});

describe('decodeTokens', () => {
  test('gives the words back', () => {
    expect(decodeTokens(tokenize('A photo of 東京 & <|endoftext|> café'))).toBe(
      'a photo of 東京 & <|endoftext|> café',
    );
  });

  test('decoded text has the same ids again', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const ids = tokenize(text);
        expect(tokenize(decodeTokens(ids))).toEqual(ids);
      }),
    );
  });

  test('plain words survive the round trip', () => {
    const words = fc
      .array(fc.stringMatching(/^[a-z]{1,12}$/), { maxLength: 8 })
      .map((list) => list.join(' '));
    fc.assert(
      fc.property(words, (text) => {
        expect(decodeTokens(tokenize(text))).toBe(text);
      }),
    );
  });

  test('leaves out ids behind the vocabulary', () => {
    expect(decodeTokens([320, 49408, 2368])).toBe('a cat');
  });
});
