import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { promptStages } from '../../../../main/pipeline/text/prompt/stages.ts';

function stages(prompt: string, steps: number): [number, string][] {
  return promptStages(prompt, steps).map(({ endStep, prompt: text }) => [endStep, text]);
}

describe('promptStages', () => {
  test.each<[string, [number, string][]]>([
    ['a [cat:dog:0.5] x', [[5, 'a cat x'], [10, 'a dog x']]],
    ['[cat:3]', [[3, ''], [10, 'cat']]],
    ['[cat::3] y', [[3, 'cat y'], [10, ' y']]],
    ['[cat:dog: 0.25 ]', [[2, 'cat'], [10, 'dog']]],
    ['a [b [c:d:2]:e:0.9]', [[2, 'a b c'], [9, 'a b d'], [10, 'a e']]],
    ['(a:1.2) [(b:1.1):c:4]', [[4, '(a:1.2) (b:1.1)'], [10, '(a:1.2) c']]],
    ['[a:b:30]', [[10, 'a']]],
    ['[a:b:0]', [[10, 'b']]],
  ])('%s', (prompt, expected) => expect(stages(prompt, 10)).toEqual(expected)); // biome-ignore format: one table

  test('alternatives take turns', () => {
    expect(stages('[fe|]male', 3)).toEqual([
      [1, 'female'],
      [2, 'male'],
      [3, 'female'],
    ]);
    expect(stages('[a|b|c]', 4).map(([, text]) => text)).toEqual(['a', 'b', 'c', 'a']);
  });

  test.each(['[x]', '[a:b', '\\[a:b:3\\]', '[a:b:c:3]', '[a:b:later]', 'a ] b', '((a:1.2)', 'one BREAK two'])(
    '%s is emphasis or text and stays',
    (prompt) => expect(stages(prompt, 10)).toEqual([[10, prompt]]),
  );

  test('covers all steps, never throws, and keeps a prompt without brackets', () => {
    const parts = fc.constantFrom('[', ']', ':', '|', '(', ')', '\\', '0.5', '3', 'cat', ' ');
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 40 }), fc.integer({ min: 1, max: 30 }), (list, steps) => {
        const prompt = list.join('');
        const result = promptStages(prompt, steps);
        expect(result.at(-1)?.endStep).toBe(steps);
        if (!prompt.includes('[')) expect(result).toEqual([{ endStep: steps, prompt }]);
      }),
    );
    expect(stages('[a:'.repeat(20_000), 5)).toEqual([[5, '[a:'.repeat(20_000)]]);
  });
});
