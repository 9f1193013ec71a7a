import { describe, expect, test } from 'vitest';
import { parseComfyPrompt } from '../../../../main/pipeline/text/prompt/comfy.ts';

describe('parseComfyPrompt', () => {
  test('an explicit weight replaces the outer one', () => {
    expect(parseComfyPrompt('(a (b:0.5):2)')).toEqual([
      { text: 'a ', weight: 2 },
      { text: 'b', weight: 0.5 },
    ]);
  });

  test('what is no number stays text', () => {
    expect(parseComfyPrompt('(a:inf)')).toEqual([{ text: 'a:inf', weight: 1.1 }]);
    expect(parseComfyPrompt('(a:1.2px)')).toEqual([{ text: 'a:1.2px', weight: 1.1 }]);
  });

  test('a closing parenthesis too many takes the next group out of action', () => {
    expect(parseComfyPrompt('a) (b) (c)')).toEqual([{ text: 'a) (b) (c)', weight: 1 }]);
  });

  test('escaped parentheses are text at any depth', () => {
    expect(parseComfyPrompt('((\\(a\\):1.5))')).toEqual([{ text: '(a)', weight: 1.5 }]);
  });
});
