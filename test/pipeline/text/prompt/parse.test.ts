import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parsePrompt } from '../../../../main/pipeline/text/prompt/parse.ts';
import type { Emphasis } from '../../../../main/pipeline/text/prompt/weightedText.ts';
import { goldenCase } from '../../../helpers/golden.ts';

type Pieces = [string, number][];
interface Case {
  readonly parse: readonly { readonly prompt: string; readonly comfyui: Pieces; readonly a1111?: Pieces }[];
}

const RULES: readonly Emphasis[] = ['comfy', 'a1111'];
/** Strings made of syntax, so that most of them nest, break off or contradict themselves. */
const syntax = fc.array(
  fc.constantFrom(
    '(',
    ')',
    '[',
    ']',
    ':',
    '\\',
    '|',
    '1.2',
    '-0.5',
    '.',
    '1e999',
    ' ',
    'cat',
    'BREAK',
    'é',
    '\n',
    '猫',
  ),
  { maxLength: 40 },
);
const anyPrompt = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  syntax.map((parts) => parts.join('')),
);

function pieces(prompt: string, emphasis: Emphasis): Pieces {
  return parsePrompt(prompt, emphasis).map(({ text, weight }) => [text, weight]);
}

describe('parsePrompt', () => {
  const golden = goldenCase<Case>('prompt-weights').parse;

  test.each(golden)('agrees with ComfyUI on $prompt', ({ prompt, comfyui }) => {
    expect(pieces(prompt, 'comfy')).toEqual(comfyui);
  });

  test.each(golden.filter((item) => item.a1111))('agrees with A1111 on $prompt', ({ prompt, a1111 }) => {
    expect(pieces(prompt, 'a1111')).toEqual(a1111);
  });

  test.each(RULES)('%s: never throws, and every weight is finite', (emphasis) => {
    fc.assert(
      fc.property(anyPrompt, (prompt) => {
        for (const { weight } of parsePrompt(prompt, emphasis)) expect(Number.isFinite(weight)).toBe(true);
      }),
    );
  });

  test.each(RULES)('%s: text without syntax is one piece of weight 1', (emphasis) => {
    const plain = fc
      .string({ unit: 'binary', minLength: 1 })
      .filter((text) => !/[()[\]\\:\ufdd0\ufdd1]|BREAK/.test(text));
    fc.assert(
      fc.property(plain, (text) => {
        expect(pieces(text, emphasis)).toEqual([[text, 1]]);
      }),
    );
  });

  test.each(RULES)('%s: words are kept, in order', (emphasis) => {
    fc.assert(
      fc.property(syntax, (parts) => {
        const texts = pieces(parts.join(' '), emphasis).map(([text]) => text);
        const cats = texts.join(' ').match(/cat|猫|é/g) ?? [];
        expect(cats).toEqual(parts.filter((part) => ['cat', '猫', 'é'].includes(part)));
      }),
    );
  });

  test.each(RULES)('%s: survives a page of brackets', (emphasis) => {
    const start = performance.now();
    for (const bracket of ['(', '(a', '[a', '\\', ': ', ' ', ')'])
      parsePrompt(bracket.repeat(30_000), emphasis);
    parsePrompt(`${'('.repeat(30_000)}x${')'.repeat(30_000)}`, emphasis);
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});
