import { describe, expect, test } from 'vitest';
import { isBreak, parseA1111Prompt } from '../../../../main/pipeline/text/prompt/a1111.ts';

describe('parseA1111Prompt', () => {
  test('brackets multiply and nest', () => {
    const [piece] = parseA1111Prompt('((a:1.5))');
    expect(piece).toEqual({ text: 'a', weight: 1.5 * 1.1 });
  });

  test('a weight that is no number is text, not an error', () => {
    expect(parseA1111Prompt('(a:1.1.1)')).toEqual([{ text: 'a:1.1.1)', weight: 1.1 }]);
  });

  test('BREAK takes the white space around it, and must be a word', () => {
    expect(parseA1111Prompt('a \n BREAK\tb').map(({ text }) => text)).toEqual(['a', 'BREAK', 'b']);
    expect(parseA1111Prompt('éBREAK, BREAKé').map(({ text }) => text)).toEqual(['éBREAK, BREAKé']);
  });
});

describe('isBreak', () => {
  test('tells the break from the word by its weight', () => {
    expect(parseA1111Prompt('a BREAK b').map(isBreak)).toEqual([false, true, false]);
    expect(isBreak({ text: 'BREAK', weight: 1 })).toBe(false);
  });
});
