/** The flood: it keeps to alike colours, to what hangs together, and to one side of the mask; its runs give the same pixels back. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Pixels } from '../../../renderer/document/blend.ts';
import { blankCoverage } from '../../../renderer/document/coverage.ts';
import { flood, regionCoverage } from '../../../renderer/document/region.ts';

/** A picture from rows of letters: the same letter, the same grey; a space is transparent. */
function picture(...rows: string[]): Pixels {
  const width = rows[0]!.length;
  const data = new Uint8ClampedArray(width * rows.length * 4);
  [...rows.join('')].forEach((letter, i) => {
    if (letter !== ' ')
      data.set([letter.charCodeAt(0), letter.charCodeAt(0), letter.charCodeAt(0), 255], i * 4);
  });
  return { width, height: rows.length, data };
}

/** What a flood from (x, y) covers, as rows of dots and hashes. */
function flooded(pixels: Pixels, x: number, y: number, options: Partial<Parameters<typeof flood>[0]> = {}) {
  const { width, height } = pixels;
  const mask = blankCoverage({ x: 0, y: 0, width, height });
  const region = flood({ pixels, mask, at: { x, y }, tolerance: 0.001, contiguous: true, ...options });
  if (region === null) return null;
  const { area, data } = regionCoverage(region, { x: 0, y: 0, width, height })!;
  return Array.from({ length: height }, (_, row) =>
    Array.from({ length: width }, (_, column) => {
      const inside =
        column >= area.x && column < area.x + area.width && row >= area.y && row < area.y + area.height;
      return inside && data[(row - area.y) * area.width + column - area.x] === 1 ? '#' : '.';
    }).join(''),
  );
}

describe('flood', () => {
  const ring = picture('aaaaa', 'abbba', 'abaBa', 'abbba', 'aaaaa');
  it('fills what hangs together through its edges, not through its corners', () => {
    expect(flooded(ring, 0, 0)).toEqual(['#####', '#...#', '#...#', '#...#', '#####']);
    expect(flooded(ring, 2, 2)).toEqual(['.....', '.....', '..#..', '.....', '.....']);
    expect(flooded(picture('ab', 'ba'), 0, 0)).toEqual(['#.', '..']);
  });

  it('fills every alike pixel when it need not hang together', () => {
    expect(flooded(ring, 2, 2, { contiguous: false })).toEqual(['#####', '#...#', '#.#.#', '#...#', '#####']);
  });

  it('takes in colours within the tolerance, and everything at 1', () => {
    expect(flooded(picture('abz'), 0, 0, { tolerance: 1 / 255 })).toEqual(['##.']);
    expect(flooded(picture('a z'), 0, 0, { tolerance: 1 })).toEqual(['###']);
    expect(flooded(picture('  z'), 0, 0, { tolerance: 0 })).toEqual(['##.']);
  });

  it('does not cross the edge of the mask, from either side', () => {
    const plain = picture('aaaa', 'aaaa');
    const mask = blankCoverage({ x: 0, y: 0, width: 4, height: 2 });
    mask.data.set([0, 1, 0, 0, 0, 1, 0, 0]);
    expect(flooded(plain, 3, 0, { mask })).toEqual(['..##', '..##']);
    expect(flooded(plain, 1, 1, { mask })).toEqual(['.#..', '.#..']);
  });

  it('finds nothing outside the picture', () => {
    expect(flooded(ring, 9, 2)).toBeNull();
  });

  it('keeps its pixels in runs, whatever part is asked for', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', 'b'), { minLength: 42, maxLength: 42 }),
        fc.integer({ min: 0, max: 6 }),
        fc.integer({ min: 0, max: 5 }),
        (letters, x, y) => {
          const rows = Array.from({ length: 6 }, (_, row) => letters.slice(row * 7, row * 7 + 7).join(''));
          const pixels = picture(...rows);
          const mask = blankCoverage({ x: 0, y: 0, width: 7, height: 6 });
          const region = flood({ pixels, mask, at: { x, y }, tolerance: 0, contiguous: false })!;
          const all = regionCoverage(region, mask.area)!;
          const expected = letters.filter((letter) => letter === rows[y]![x]).length;
          expect(all.data.reduce((sum, value) => sum + value, 0)).toBe(expected);
          const part = regionCoverage(region, { x, y, width: 1, height: 1 })!;
          expect([...part.data]).toEqual([1]);
        },
      ),
    );
  });
});
