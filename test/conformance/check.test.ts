import { describe, expect, test } from 'vitest';
import { checkClose, checkEqual, checkRelmax } from './check.ts';

describe('checkClose', () => {
  test('allows atol + rtol·|expected| and no more', () => {
    expect(checkClose('t', [1.1], [1], { atol: 0.05, rtol: 0.06 }).pass).toBe(true);
    expect(checkClose('t', [1.12], [1], { atol: 0.05, rtol: 0.06 }).pass).toBe(false);
  });

  test('reports the element that comes closest to failing', () => {
    const check = checkClose('t', [100.5, 0.2], [100, 0], { atol: 0.1, rtol: 0.01 });
    expect(check).toEqual({ tensor: 't', maxError: 0.2, tolerance: 0.1, pass: false });
  });

  test('never passes NaN, infinities or another length', () => {
    const tolerance = { atol: 1e9, rtol: 1e9 };
    expect(checkClose('t', [Number.NaN], [1], tolerance).pass).toBe(false);
    expect(checkClose('t', [Number.POSITIVE_INFINITY], [1], tolerance).pass).toBe(false);
    expect(checkClose('t', [Number.POSITIVE_INFINITY], [Number.POSITIVE_INFINITY], tolerance).pass).toBe(
      false,
    );
    expect(checkClose('t', [1], [1, 1], tolerance).pass).toBe(false);
  });
});

test('checkRelmax measures against the largest expected value', () => {
  expect(checkRelmax('t', [10, 0.09], [10, 0], 0.01).pass).toBe(true);
  expect(checkRelmax('t', [10, 0.11], [10, 0], 0.01).pass).toBe(false);
  expect(checkRelmax('t', [0, 0], [0, 0], 0).pass).toBe(true);
  expect(checkRelmax('t', [0.1, 0], [0, 0], 0.5).pass).toBe(false);
  expect(checkRelmax('t', [Number.NaN], [1], 1).pass).toBe(false);
});

test('checkEqual takes nothing but equality', () => {
  expect(checkEqual('t', [1, 2], [1, 2]).pass).toBe(true);
  expect(checkEqual('t', [1, 2], [1, 3]).pass).toBe(false);
});
