import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { extractLoraTags } from '../../../../main/pipeline/text/prompt/loraTags.ts';

describe('extractLoraTags', () => {
  test.each([
    ['<lora:a>', 1, 1],
    ['<lora:a:0.8>', 0.8, 0.8],
    ['<lora:a:0.5:0.9>', 0.5, 0.9],
    ['<lora:a:te=0.3:unet=-0.7>', 0.3, -0.7],
    ['<lora:a:0.5:unet=0.7>', 0.5, 0.7],
    ['<lora:a:te=0.3>', 0.3, 0.3],
    ['<lyco:a:1:2:8>', 1, 2],
  ])('reads %s', (tag, textWeight, unetWeight) => {
    expect(extractLoraTags(tag)).toEqual({
      prompt: '',
      loras: [{ name: 'a', textWeight, unetWeight }],
      problems: [],
    });
  });

  test('cuts out the tags and nothing else', () => {
    const { prompt, loras } = extractLoraTags(
      '(red <lora:my file-v2:0.8>boat:1.2)<lora:b>, <hypernet:c:1> x',
    );
    expect(prompt).toBe('(red boat:1.2), <hypernet:c:1> x');
    expect(loras.map(({ name }) => name)).toEqual(['my file-v2', 'b']);
  });

  test('reports a weight that is no number', () => {
    const { prompt, loras, problems } = extractLoraTags('cat <lora:a:strong>');
    expect({ prompt, loras }).toEqual({ prompt: 'cat ', loras: [] });
    expect(problems).toEqual([expect.stringContaining('<lora:a:strong>')]);
  });

  test('never throws and keeps text without tags', () => {
    const parts = fc.constantFrom('<', '>', 'lora:', 'lyco:', ':', '=', 'te', '0.5', 'x', ' ');
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 30 }), (list) => {
        const text = list.join('');
        const { prompt, loras, problems } = extractLoraTags(text);
        expect(prompt.length).toBeLessThanOrEqual(text.length);
        if (loras.length + problems.length === 0) expect(prompt).toBe(text);
      }),
    );
  });
});
