/** The soft mask: a list of operations whose result is a float picture; 1 = repaint, 0 = keep. */
import { type Coverage, polygonCoverage, rectangleCoverage, strokeCoverage } from './coverage.ts';
import { intersect, type Rect, wholePixels } from './geometry.ts';
import { type Stroke, strokeBounds } from './stroke.ts';

export type MaskOperation =
  | { readonly kind: 'stroke'; readonly stroke: Stroke; readonly erase: boolean }
  /** x, y pairs of a closed outline. */
  | { readonly kind: 'lasso'; readonly points: readonly number[]; readonly erase: boolean }
  | { readonly kind: 'rectangle'; readonly rect: Rect; readonly erase: boolean }
  /** Swaps kept and repainted within `area`. */
  | { readonly kind: 'invert'; readonly area: Rect }
  | { readonly kind: 'fill'; readonly area: Rect };

export interface Mask {
  readonly operations: readonly MaskOperation[];
  /** Pixels that the mask's edge is moved outwards (inwards when negative), applied before feathering. */
  readonly grow: number;
  /** Width in pixels of the soft border on each side of the edge. */
  readonly feather: number;
}

export const EMPTY_MASK: Mask = { operations: [], grow: 0, feather: 0 };

/** The pixels that an operation can change, clipped to `clip`; null when none. */
export function operationArea(operation: MaskOperation, clip: Rect): Rect | null {
  switch (operation.kind) {
    case 'stroke':
      return intersect(wholePixels(strokeBounds(operation.stroke)), clip);
    case 'lasso':
      return intersect(wholePixels(pointsBounds(operation.points)), clip);
    case 'rectangle':
      return intersect(wholePixels(operation.rect), clip);
    case 'invert':
    case 'fill':
      return intersect(wholePixels(operation.area), clip);
  }
}

function pointsBounds(points: readonly number[]): Rect {
  const xs = points.filter((_, i) => i % 2 === 0);
  const ys = points.filter((_, i) => i % 2 === 1);
  const x = Math.min(...xs);
  const y = Math.min(...ys);
  return xs.length === 0
    ? { x: 0, y: 0, width: 0, height: 0 }
    : { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

/** Changes `target` as the operation says. Adding: m + c·(1 − m); erasing: m·(1 − c), with c = coverage × opacity. */
export function applyOperation(target: Coverage, operation: MaskOperation): void {
  if (operation.kind === 'invert') eachPixel(target, operation.area, (value) => 1 - value);
  else if (operation.kind === 'fill') eachPixel(target, operation.area, () => 1);
  else {
    const opacity = operation.kind === 'stroke' ? operation.stroke.opacity : 1;
    compose(target, shapeOf(operation, target.area), operation.erase, opacity);
  }
}

type Shape = Extract<MaskOperation, { erase: boolean }>;
function shapeOf(operation: Shape, clip: Rect): Coverage | null {
  if (operation.kind === 'stroke') return strokeCoverage(operation.stroke, clip);
  if (operation.kind === 'lasso') return polygonCoverage(operation.points, clip);
  return rectangleCoverage(operation.rect, clip);
}

function compose(target: Coverage, shape: Coverage | null, erase: boolean, opacity: number): void {
  if (shape === null) return;
  const { area } = shape;
  for (let y = 0; y < area.height; y++) {
    let to = (area.y - target.area.y + y) * target.area.width + area.x - target.area.x;
    let from = y * area.width;
    for (let x = 0; x < area.width; x++, to++, from++) {
      const amount = shape.data[from]! * opacity;
      if (amount === 0) continue;
      const value = target.data[to]!;
      target.data[to] = erase ? value * (1 - amount) : value + amount * (1 - value);
    }
  }
}

function eachPixel(target: Coverage, rect: Rect, change: (value: number) => number): void {
  const area = intersect(wholePixels(rect), target.area);
  if (area === null) return;
  for (let y = 0; y < area.height; y++) {
    const start = (area.y - target.area.y + y) * target.area.width + area.x - target.area.x;
    for (let i = start; i < start + area.width; i++) target.data[i] = change(target.data[i]!);
  }
}

/** A copy of the part of `source` inside `area`; pixels that `source` does not have are 0. */
export function cropCoverage(source: Coverage, area: Rect): Coverage {
  const data = new Float32Array(area.width * area.height);
  const common = intersect(area, source.area);
  if (common !== null) {
    for (let y = common.y; y < common.y + common.height; y++) {
      const from = (y - source.area.y) * source.area.width + common.x - source.area.x;
      const to = (y - area.y) * area.width + common.x - area.x;
      data.set(source.data.subarray(from, from + common.width), to);
    }
  }
  return { area, data };
}
