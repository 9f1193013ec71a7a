import { describe, expect, test } from 'vitest';
import { tensor } from '../../../main/pipeline/tensor.ts';
import { applyWeights } from '../../../main/pipeline/text/emphasis.ts';
import { expectClose } from '../../helpers/close.ts';

/** Two chunks of two places, two wide. */
const EMBEDDING = tensor(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), [2, 2, 2]);
const EMPTY = tensor(Float32Array.of(1, 1, 2, 2), [1, 2, 2]);
const WEIGHTS = [
  [1, 2],
  [0.5, 1],
];

describe('applyWeights', () => {
  test('ComfyUI goes from the empty prompt through the prompt', () => {
    const { data } = applyWeights(EMBEDDING, WEIGHTS, 'comfy', EMPTY);
    expect([...data]).toEqual([1, 2, 4, 6, 3, 3.5, 7, 8]);
  });

  test('A1111 multiplies and restores the mean of each chunk', () => {
    const { data } = applyWeights(EMBEDDING, WEIGHTS, 'a1111', undefined);
    const [first, second] = [2.5 / 4.25, 6.5 / 5.125];
    const expected = [
      first,
      2 * first,
      6 * first,
      8 * first,
      2.5 * second,
      3 * second,
      7 * second,
      8 * second,
    ];
    expectClose(data, expected, { rtol: 1e-6 });
  });

  test('A1111 leaves numbers finite when nothing is left to scale', () => {
    const zero = [
      [0, 0],
      [0, 0],
    ];
    expect([...applyWeights(EMBEDDING, zero, 'a1111', undefined).data]).toEqual(new Array(8).fill(0));
  });

  test.each(['comfy', 'a1111'] as const)(
    '%s: weights of 1 change no bit, and the input is never touched',
    (emphasis) => {
      const before = EMBEDDING.data.slice();
      const ones = [
        [1, 1],
        [1, 1],
      ];
      expect(applyWeights(EMBEDDING, ones, emphasis, EMPTY).data).toEqual(before);
      applyWeights(EMBEDDING, WEIGHTS, emphasis, EMPTY);
      expect(EMBEDDING.data).toEqual(before);
    },
  );
});
