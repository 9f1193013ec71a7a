import { describe, expect, test } from 'vitest';
import { clampWeight, parseNumber } from '../../../../main/pipeline/text/prompt/weightedText.ts';

describe('parseNumber', () => {
  test.each([
    ['1.2', 1.2],
    [' -0.5 ', -0.5],
    ['+3', 3],
    ['.5', 0.5],
    ['1.', 1],
    ['1e1', 10],
    ['1_000', 1000],
  ])('reads %j', (text, value) => expect(parseNumber(text)).toBe(value));

  test.each(['', ' ', '.', '1.1.1', 'inf', 'nan', '0x10', '1e999', '1 2', '--1'])('refuses %j', (text) =>
    expect(parseNumber(text)).toBeUndefined(),
  );
});

describe('clampWeight', () => {
  test('keeps weights and bounds absurd ones', () => {
    expect(clampWeight(-1.3)).toBe(-1.3);
    expect(clampWeight(1e300)).toBe(1e9);
    expect(clampWeight(Number.NEGATIVE_INFINITY)).toBe(-1e9);
  });
});
