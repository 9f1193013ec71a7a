/** Regions: sets of whole pixels as run lengths, and the flood that finds them. What the Fill tool leaves in the document. */
import type { Pixels } from './blend.ts';
import { blankCoverage, type Coverage } from './coverage.ts';
import { intersect, type Rect } from './geometry.ts';

export interface Region {
  readonly area: Rect;
  /** Pixels outside, inside, outside, …, row by row over `area`; the first run is outside and may be 0. */
  readonly runs: readonly number[];
}

/** Coverage of a region within `clip`, or null when they do not meet. */
export function regionCoverage({ area, runs }: Region, clip: Rect): Coverage | null {
  const common = intersect(area, clip);
  if (common === null) return null;
  const coverage = blankCoverage(common);
  let at = 0;
  runs.forEach((run, i) => {
    if (i % 2 === 1) fillRun(coverage, area, at, at + run);
    at += run;
  });
  return coverage;
}

/** Sets the pixels from `from` to `to`, counted over `area`, to 1. */
function fillRun({ area: clip, data }: Coverage, area: Rect, from: number, to: number): void {
  for (let at = from; at < to; ) {
    const row = Math.floor(at / area.width);
    const end = Math.min(to, (row + 1) * area.width);
    const y = area.y + row - clip.y;
    const left = Math.max(area.x + (at % area.width) - clip.x, 0);
    const right = Math.min(area.x + (end - row * area.width) - clip.x, clip.width);
    if (y >= 0 && y < clip.height && right > left)
      data.fill(1, y * clip.width + left, y * clip.width + right);
    at = end;
  }
}

export interface Flood {
  /** The picture to look at; its top left corner lies at `area`'s. */
  readonly pixels: Pixels;
  /** The mask there: a flood does not cross its edge. */
  readonly mask: Coverage;
  /** Where it starts, in document pixels. */
  readonly at: { readonly x: number; readonly y: number };
  /** Largest difference of any channel from the first pixel's, 0–1; 1 looks at the mask alone. */
  readonly tolerance: number;
  /** False: every alike pixel, whether it hangs together with the first or not. */
  readonly contiguous: boolean;
}

const INSIDE = 0.5;

/** The pixels alike the one at `at`; null when that lies outside. */
export function flood({ pixels, mask, at, tolerance, contiguous }: Flood): Region | null {
  const { area } = mask;
  const x = Math.floor(at.x) - area.x;
  const y = Math.floor(at.y) - area.y;
  if (x < 0 || y < 0 || x >= area.width || y >= area.height) return null;
  const first = y * area.width + x;
  const most = tolerance * 255;
  const words = pixels.data;
  const inside = mask.data[first]! >= INSIDE;
  const alike = (i: number): boolean => {
    if (mask.data[i]! >= INSIDE !== inside) return false;
    // Transparent pixels have no colour to compare.
    if (words[first * 4 + 3] === 0 && words[i * 4 + 3] === 0) return true;
    for (let c = 0; c < 4; c++) if (Math.abs(words[i * 4 + c]! - words[first * 4 + c]!) > most) return false;
    return true;
  };
  const marks = new Uint8Array(mask.data.length);
  if (contiguous) spread(marks, area.width, area.height, first, alike);
  else for (let i = 0; i < marks.length; i++) marks[i] = alike(i) ? 1 : 0;
  return encode(marks, area);
}

/** Marks what hangs together with `first`, a span of a row at a time (Smith 1979, "Tint Fill"). */
function spread(
  marks: Uint8Array,
  width: number,
  height: number,
  first: number,
  alike: (i: number) => boolean,
): void {
  const seeds = [first];
  const free = (i: number) => marks[i] === 0 && alike(i);
  for (let seed = seeds.pop(); seed !== undefined; seed = seeds.pop()) {
    if (!free(seed)) continue;
    const row = seed - (seed % width);
    let left = seed;
    let right = seed;
    while (left > row && free(left - 1)) left--;
    while (right < row + width - 1 && free(right + 1)) right++;
    marks.fill(1, left, right + 1);
    for (const other of [row - width, row + width]) {
      if (other < 0 || other >= width * height) continue;
      let open = false;
      for (let i = left - row + other; i <= right - row + other; i++) {
        const is = free(i);
        if (is && !open) seeds.push(i);
        open = is;
      }
    }
  }
}

/** Marked pixels as runs over the smallest rectangle that holds them. */
function encode(marks: Uint8Array, area: Rect): Region {
  const box = boundsOf(marks, area);
  const runs: number[] = [];
  let current = 0;
  let length = 0;
  for (let y = box.y - area.y; y < box.y - area.y + box.height; y++)
    for (let x = box.x - area.x; x < box.x - area.x + box.width; x++) {
      const mark = marks[y * area.width + x]!;
      if (mark !== current) {
        runs.push(length);
        current = mark;
        length = 0;
      }
      length++;
    }
  runs.push(length);
  return { area: box, runs };
}

function boundsOf(marks: Uint8Array, area: Rect): Rect {
  let [left, top, right, bottom] = [area.width, area.height, -1, -1];
  for (let y = 0; y < area.height; y++) {
    const row = marks.subarray(y * area.width, (y + 1) * area.width);
    const from = row.indexOf(1);
    if (from < 0) continue;
    left = Math.min(left, from);
    right = Math.max(right, row.lastIndexOf(1));
    top = Math.min(top, y);
    bottom = y;
  }
  return { x: area.x + left, y: area.y + top, width: right - left + 1, height: bottom - top + 1 };
}
