/** Arithmetic on sizes that may be symbolic. */
import type { Dim, Shape } from './value.ts';

/** True only when both sizes are known and differ. */
export function unsame(a: Dim, b: Dim): boolean {
  return typeof a === 'number' && typeof b === 'number' && a !== b;
}

/** NumPy broadcasting; throws when two known sizes disagree. */
export function broadcast(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const left = a[a.length - rank + i] ?? 1;
    const right = b[b.length - rank + i] ?? 1;
    if (left === 1) return right;
    if (right === 1) return left;
    if (unsame(left, right)) throw new Error(`sizes ${left} and ${right} cannot be broadcast`);
    return typeof left === 'number' ? left : right;
  });
}

/** Product of sizes: a number when all are known, else a canonical text, so that equal products compare equal. */
export function product(dims: Shape): Dim {
  const known = dims.filter((dim) => typeof dim === 'number').reduce((a, b) => a * b, 1);
  const unknown = dims.filter((dim) => typeof dim === 'string').toSorted();
  return unknown.length === 0 ? known : known === 1 ? unknown.join('*') : `${known}*${unknown.join('*')}`;
}

/** Output size of a sliding window; keeps the symbol where the size does not change. */
export function convSize(
  size: Dim,
  kernel: Dim,
  window: { stride: number; dilation: number; pad: number },
): Dim {
  if (typeof kernel !== 'number') return `conv(${size},${kernel})`;
  const shrink = (kernel - 1) * window.dilation - window.pad;
  if (typeof size === 'number') return Math.floor((size - shrink - 1) / window.stride) + 1;
  if (window.stride === 1) return shrink === 0 ? size : `${size}-${shrink}`;
  return `(${size}-${shrink + 1})/${window.stride}+1`;
}
