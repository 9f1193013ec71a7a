/** Float pictures of coverage (0–1) and the three shapes that fill them: pen strokes, polygons, rectangles. */
import { intersect, type Rect, wholePixels } from './geometry.ts';
import { radiusAt, STRIDE, type Stroke } from './stroke.ts';

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

/** Edge in pixels of the squares that strokes are drawn in: small enough to follow a line, large enough to be few. */
export const TILE = 256;

/**
 * A stroke's coverage as squares of a grid that starts at the clip's corner; squares that it does not touch are left out,
 * so a line across a large document costs its own length. The pieces of one stroke never add up where they overlap.
 */
export function* strokeTiles(stroke: Stroke, clip: Rect): Generator<Coverage> {
  const at = (i: number) => ({
    x: stroke.points[i * STRIDE]!,
    y: stroke.points[i * STRIDE + 1]!,
    radius: radiusAt(stroke, stroke.points[i * STRIDE + 2]!),
  });
  for (const [tile, pieces] of piecesByTile(stroke, clip)) {
    const coverage = blankCoverage(tileArea(tile, clip));
    for (const i of pieces) stampSegment(coverage, at(Math.max(i - 1, 0)), at(i), stroke.hardness);
    yield coverage;
  }
}

const tilesAcross = (clip: Rect): number => Math.ceil(clip.width / TILE);

/** The square with this number, row by row, cut off at the clip's far edges. */
function tileArea(tile: number, clip: Rect): Rect {
  const x = (tile % tilesAcross(clip)) * TILE;
  const y = Math.floor(tile / tilesAcross(clip)) * TILE;
  return {
    x: clip.x + x,
    y: clip.y + y,
    width: Math.min(TILE, clip.width - x),
    height: Math.min(TILE, clip.height - y),
  };
}

/** For each touched square the pieces (by their end point's index) that can reach it, in the order of the stroke. */
function piecesByTile(stroke: Stroke, clip: Rect): Map<number, number[]> {
  const { points } = stroke;
  const found = new Map<number, number[]>();
  const reach = stroke.size / 2 + 1;
  for (let i = 0; i * STRIDE < points.length; i++) {
    const before = Math.max(i - 1, 0) * STRIDE;
    const [x0, y0, x1, y1] = [
      points[before]!,
      points[before + 1]!,
      points[i * STRIDE]!,
      points[i * STRIDE + 1]!,
    ];
    const box = intersect(
      wholePixels({
        x: Math.min(x0, x1) - reach,
        y: Math.min(y0, y1) - reach,
        width: Math.abs(x0 - x1) + 2 * reach,
        height: Math.abs(y0 - y1) + 2 * reach,
      }),
      clip,
    );
    if (box === null) continue;
    for (const tile of tilesOf(box, clip)) {
      if (!passes(tileArea(tile, clip), x0, y0, x1, y1, reach)) continue;
      const others = found.get(tile);
      if (others === undefined) found.set(tile, [i]);
      else others.push(i);
    }
  }
  return found;
}

function* tilesOf(box: Rect, clip: Rect): Generator<number> {
  const last = (start: number, size: number) => Math.floor((start + size - 1) / TILE);
  for (let row = Math.floor((box.y - clip.y) / TILE); row <= last(box.y - clip.y, box.height); row++)
    for (
      let column = Math.floor((box.x - clip.x) / TILE);
      column <= last(box.x - clip.x, box.width);
      column++
    )
      yield row * tilesAcross(clip) + column;
}

/** Whether the line from (x0, y0) to (x1, y1) comes as near as `reach` to the circle around a square. */
function passes(area: Rect, x0: number, y0: number, x1: number, y1: number, reach: number): boolean {
  const [cx, cy] = [area.x + area.width / 2, area.y + area.height / 2];
  const [dx, dy] = [x1 - x0, y1 - y0];
  const along = Math.min(1, Math.max(0, ((cx - x0) * dx + (cy - y0) * dy) / (dx * dx + dy * dy || 1)));
  const away = Math.hypot(cx - x0 - along * dx, cy - y0 - along * dy);
  return away <= reach + Math.hypot(area.width, area.height) / 2;
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
