/** Marks in a prompt: every letter is kept, weights are found as the engine finds them, and words only where they stand alone. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { markPrompt } from '../../../renderer/request/promptMarks.ts';

const marked = (text: string, triggers: string[] = [], emphasis: 'comfy' | 'a1111' = 'comfy') =>
  markPrompt(text, { emphasis, triggers })
    .filter(({ kind }) => kind !== 'plain')
    .map(({ kind, text: piece }) => `${kind} ${piece}`);

describe('prompt marks', () => {
  it('finds weights with all that they hold, LoRA tags, breaks and triggers', () => {
    expect(marked('a (red (sailing) boat:1.2) at sea, woodcut BREAK <lora:cat:0.8>', ['woodcut'])).toEqual([
      'weight (red (sailing) boat:1.2)',
      'trigger woodcut',
      'break BREAK',
      'tag <lora:cat:0.8>',
    ]);
  });

  it('leaves escaped and unclosed brackets alone, and square ones unless they mean something', () => {
    expect(marked('\\(not\\) (never closed')).toEqual([]);
    expect(marked('a [dim] light')).toEqual([]);
    expect(marked('a [dim] light', [], 'a1111')).toEqual(['weight [dim]']);
    expect(marked('(a \\) b)')).toEqual(['weight (a \\) b)']);
    expect(marked('3 < 4 > 2')).toEqual([]);
  });

  it('takes triggers whatever their case, but not inside other words', () => {
    expect(marked('Cat, concatenate cats CAT', ['cat'])).toEqual(['trigger Cat', 'trigger CAT']);
    expect(marked('a C++ (style) print', ['c++'])).toEqual(['trigger C++', 'weight (style)']);
    expect(marked('一只猫 cat', ['猫'])).toEqual([]);
  });

  it('keeps every letter in its place', () => {
    const letters = fc.array(
      fc.constantFrom('(', ')', '[', ']', '\\', '<lora:', '>', 'cat', ' ', ':1.2', 'BREAK'),
    );
    fc.assert(
      fc.property(letters, fc.constantFrom('comfy' as const, 'a1111' as const), (pieces, emphasis) => {
        const text = pieces.join('');
        const marks = markPrompt(text, { emphasis, triggers: ['cat', ''] });
        expect(marks.map((mark) => mark.text).join('')).toBe(text);
      }),
    );
  });
});
