/** Float pictures of coverage (0–1) and the three shapes that fill them: pen strokes, polygons, rectangles. */
import { intersect, type Rect, wholePixels } from './geometry.ts';
import { radiusAt, STRIDE, type Stroke, strokeBounds } from './stroke.ts';

/** Row-major coverage of a rectangle of whole document pixels; everything outside counts as 0. */
export interface Coverage {
  readonly area: Rect;
  readonly data: Float32Array<ArrayBuffer>;
}

export const blankCoverage = (area: Rect): Coverage => ({
  area,
  data: new Float32Array(area.width * area.height),
});

/** 1 inside the hard core, falling smoothly (3t² − 2t³) to 0 at the rim; the rim is at least one pixel wide. */
function profile(distance: number, radius: number, hardness: number): number {
  const rim = radius + 0.5;
  if (distance >= rim) return 0;
  const core = Math.min(radius * hardness, radius - 0.5);
  if (distance <= core) return 1;
  const t = (rim - distance) / (rim - core);
  return t * t * (3 - 2 * t);
}

/**
 * Raises `target` to the coverage of one piece of a stroke: the capsule between two points with their own radii.
 * Returns the rectangle of pixels it looked at, or null when it lies outside.
 */
export function stampSegment(
  target: Coverage,
  from: { readonly x: number; readonly y: number; readonly radius: number },
  to: { readonly x: number; readonly y: number; readonly radius: number },
  hardness: number,
): Rect | null {
  const reach = Math.max(from.radius, to.radius) + 1;
  const box = intersect(
    wholePixels({
      x: Math.min(from.x, to.x) - reach,
      y: Math.min(from.y, to.y) - reach,
      width: Math.abs(from.x - to.x) + 2 * reach,
      height: Math.abs(from.y - to.y) + 2 * reach,
    }),
    target.area,
  );
  if (box === null) return null;
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const lengthSquared = dx * dx + dy * dy || 1e-9;
  for (let y = box.y; y < box.y + box.height; y++) {
    const row = (y - target.area.y) * target.area.width - target.area.x;
    for (let x = box.x; x < box.x + box.width; x++) {
      const px = x + 0.5 - from.x;
      const py = y + 0.5 - from.y;
      const along = Math.min(1, Math.max(0, (px * dx + py * dy) / lengthSquared));
      const ex = px - along * dx;
      const ey = py - along * dy;
      const radius = from.radius + along * (to.radius - from.radius);
      const distanceSquared = ex * ex + ey * ey;
      if (distanceSquared >= (radius + 0.5) * (radius + 0.5)) continue;
      const value = profile(Math.sqrt(distanceSquared), radius, hardness);
      if (value > target.data[row + x]!) target.data[row + x] = value;
    }
  }
  return box;
}

/** Stamps the pieces of a stroke from point `first` on; the pieces of one stroke never add up where they overlap. */
export function stampStroke(target: Coverage, stroke: Stroke, first = 0): void {
  const at = (i: number) => ({
    x: stroke.points[i * STRIDE]!,
    y: stroke.points[i * STRIDE + 1]!,
    radius: radiusAt(stroke, stroke.points[i * STRIDE + 2]!),
  });
  const count = Math.floor(stroke.points.length / STRIDE);
  if (count === 1) stampSegment(target, at(0), at(0), stroke.hardness);
  for (let i = Math.max(first, 1); i < count; i++) stampSegment(target, at(i - 1), at(i), stroke.hardness);
}

/** Coverage of a whole stroke, without its opacity, clipped to `clip`; null when nothing of it is inside. */
export function strokeCoverage(stroke: Stroke, clip: Rect): Coverage | null {
  const area = intersect(wholePixels(strokeBounds(stroke)), clip);
  if (area === null) return null;
  const coverage = blankCoverage(area);
  stampStroke(coverage, stroke);
  return coverage;
}

/** Coverage of a closed polygon (x, y pairs; even-odd rule), with 4 × 4 samples to a pixel; null when outside. */
export function polygonCoverage(points: readonly number[], clip: Rect): Coverage | null {
  const xs = points.filter((_, i) => i % 2 === 0);
  const ys = points.filter((_, i) => i % 2 === 1);
  if (xs.length < 3) return null;
  const left = Math.min(...xs);
  const top = Math.min(...ys);
  const box = { x: left, y: top, width: Math.max(...xs) - left, height: Math.max(...ys) - top };
  const area = intersect(wholePixels(box), clip);
  if (area === null) return null;
  const coverage = blankCoverage(area);
  for (let line = 0; line < area.height * SAMPLES; line++) {
    const y = area.y + (line + 0.5) / SAMPLES;
    const row = Math.floor(line / SAMPLES) * area.width;
    const cuts = crossings(xs, ys, y);
    for (let i = 0; i + 1 < cuts.length; i += 2) fillSpan(coverage, row, cuts[i]!, cuts[i + 1]!);
  }
  return coverage;
}

/** Scan lines per pixel of a polygon. */
const SAMPLES = 4;

function crossings(xs: readonly number[], ys: readonly number[], y: number): number[] {
  const cuts: number[] = [];
  for (let i = 0, j = xs.length - 1; i < xs.length; j = i++) {
    const y0 = ys[j]!;
    const y1 = ys[i]!;
    if (y0 > y === y1 > y) continue;
    cuts.push(xs[j]! + ((y - y0) / (y1 - y0)) * (xs[i]! - xs[j]!));
  }
  return cuts.sort((a, b) => a - b);
}

/** Adds one scan line's share of coverage between two x positions, exact at both ends. */
function fillSpan({ area, data }: Coverage, row: number, from: number, to: number): void {
  const start = Math.max(from - area.x, 0);
  const end = Math.min(to - area.x, area.width);
  for (let x = Math.floor(start); x < end; x++) {
    const share = Math.min(x + 1, end) - Math.max(x, start);
    data[row + x] = Math.min(1, data[row + x]! + share / SAMPLES);
  }
}

/** Coverage of a rectangle with exact fractions at its edges; null when outside. */
export function rectangleCoverage(rect: Rect, clip: Rect): Coverage | null {
  const area = intersect(wholePixels(rect), clip);
  if (area === null) return null;
  const coverage = blankCoverage(area);
  const share = (at: number, start: number, size: number) =>
    Math.max(0, Math.min(at + 1, start + size) - Math.max(at, start));
  for (let y = 0; y < area.height; y++) {
    const vertical = share(area.y + y, rect.y, rect.height);
    for (let x = 0; x < area.width; x++)
      coverage.data[y * area.width + x] = vertical * share(area.x + x, rect.x, rect.width);
  }
  return coverage;
}
