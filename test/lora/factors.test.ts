import { expect, test } from 'vitest';
import { type Factors, stackFactors } from '../../native-models/lora/factors.ts';

const linear = (rank: number, from: number, scale = 1): Factors => ({
  rank,
  scale,
  down: Float32Array.from({ length: rank * 3 }, (_, i) => from + i), // [rank, 3]
  up: Float32Array.from({ length: rank * 2 }, (_, i) => 10 * (from + i)), // [rank, 2]
});
const [a, b] = [linear(1, 1, 0.5), linear(2, 100)];

test('linear factors stack row under row; weight and alpha go into the scale of their ranks', () => {
  const { down, downShape, up, upShape, scale, scaleShape } = stackFactors(
    [2, 3],
    [
      { factors: a, weight: 2 },
      { factors: b, weight: -1 },
    ],
  );
  expect([downShape, upShape, scaleShape]).toEqual([[3, 3], [3, 2], [3]]);
  expect([...down]).toEqual([1, 2, 3, 100, 101, 102, 103, 104, 105]);
  expect([...up]).toEqual([10, 20, 1000, 1010, 1020, 1030]);
  expect([...scale]).toEqual([1, -1, -1]);
});

test('another weight copies no factor, alone or in a stack', () => {
  for (const factors of [[a], [a, b]]) {
    const [before, after] = [1, 0.3].map((weight) =>
      stackFactors(
        [2, 3],
        factors.map((one) => ({ factors: one, weight })),
      ),
    );
    expect(after!.down).toBe(before!.down);
    expect(after!.up).toBe(before!.up);
    expect(after!.scale).not.toEqual(before!.scale);
  }
});

test('another weight, another partner, another order: never what was joined before', () => {
  const downOf = (...factors: Factors[]) => [
    ...stackFactors(
      [2, 3],
      factors.map((one) => ({ factors: one, weight: 1 })),
    ).down,
  ];
  const first = downOf(a, b);
  expect(downOf(a, b)).toEqual(first);
  expect(downOf(a, linear(2, 7))).toEqual([1, 2, 3, 7, 8, 9, 10, 11, 12]);
  expect(downOf(b, a)).toEqual([100, 101, 102, 103, 104, 105, 1, 2, 3]);
  expect(downOf(a)).toEqual([1, 2, 3]);
  expect(downOf(a, b)).toEqual(first);
});

test('nothing attached: rank 0, or for a convolution a rank of zeros', () => {
  expect(stackFactors([2, 3], [])).toMatchObject({ downShape: [0, 3], upShape: [0, 2] });
  const { down, downShape, up, upShape } = stackFactors([2, 3, 3, 3], []);
  expect([downShape, upShape]).toEqual([
    [1, 3, 3, 3],
    [2, 1, 1, 1],
  ]);
  expect([...down, ...up].every((value) => value === 0)).toBe(true);
});

test('convolutions: down one after the other, up side by side', () => {
  const conv = (rank: number, from: number): Factors => ({
    rank,
    scale: 1,
    down: new Float32Array(rank * 3 * 9).fill(from),
    up: Float32Array.from({ length: 2 * rank }, (_, i) => from + i), // [2, rank]
  });
  const { up, upShape, downShape, scaleShape } = stackFactors(
    [2, 3, 3, 3],
    [
      { factors: conv(1, 1), weight: 1 },
      { factors: conv(2, 10), weight: 1 },
    ],
  );
  expect([downShape, upShape]).toEqual([
    [3, 3, 3, 3],
    [2, 3, 1, 1],
  ]);
  expect([...up]).toEqual([1, 10, 11, 2, 12, 13]);
  expect(scaleShape).toEqual([3, 1, 1]);
});
