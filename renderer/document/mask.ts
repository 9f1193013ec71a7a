/** The soft mask: a list of operations whose result is a float picture; 1 = repaint, 0 = keep. */
import { type Coverage, polygonCoverage, rectangleCoverage, strokeTiles } from './coverage.ts';
import { intersect, type Rect, wholePixels } from './geometry.ts';
import { type Region, regionCoverage } from './region.ts';
import type { Stroke } from './stroke.ts';

export type MaskOperation =
  | { readonly kind: 'stroke'; readonly stroke: Stroke; readonly erase: boolean }
  /** x, y pairs of a closed outline. */
  | { readonly kind: 'lasso'; readonly points: readonly number[]; readonly erase: boolean }
  | { readonly kind: 'rectangle'; readonly rect: Rect; readonly erase: boolean }
  /** What a flood found. */
  | { readonly kind: 'region'; readonly region: Region; readonly erase: boolean }
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

/**
 * Changes `target` as the operation says, and returns what was there before, so that undo can put it back.
 * Adding: m + c·(1 − m); erasing: m·(1 − c), with c = coverage × opacity.
 */
export function applyOperation(target: Coverage, operation: MaskOperation): Coverage[] {
  if (operation.kind === 'invert') return eachPixel(target, operation.area, (value) => 1 - value);
  if (operation.kind === 'fill') return eachPixel(target, operation.area, () => 1);
  const opacity = operation.kind === 'stroke' ? operation.stroke.opacity : 1;
  const before: Coverage[] = [];
  for (const shape of shapesOf(operation, target.area)) {
    before.push(cropCoverage(target, shape.area));
    compose(target, shape, operation.erase, opacity);
  }
  return before;
}

/** Puts back what `applyOperation` returned. */
export function restoreCoverage(target: Coverage, before: readonly Coverage[]): void {
  for (const { area, data } of before)
    for (let y = 0; y < area.height; y++) {
      const to = (area.y - target.area.y + y) * target.area.width + area.x - target.area.x;
      target.data.set(data.subarray(y * area.width, (y + 1) * area.width), to);
    }
}

type Shape = Extract<MaskOperation, { erase: boolean }>;
function* shapesOf(operation: Shape, clip: Rect): Generator<Coverage> {
  if (operation.kind === 'stroke') yield* strokeTiles(operation.stroke, clip);
  else {
    const shape = shapeOf(operation, clip);
    if (shape !== null) yield shape;
  }
}

function shapeOf(operation: Exclude<Shape, { kind: 'stroke' }>, clip: Rect): Coverage | null {
  switch (operation.kind) {
    case 'lasso':
      return polygonCoverage(operation.points, clip);
    case 'rectangle':
      return rectangleCoverage(operation.rect, clip);
    case 'region':
      return regionCoverage(operation.region, clip);
  }
}

function compose(target: Coverage, shape: Coverage, erase: boolean, opacity: number): void {
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

function eachPixel(target: Coverage, rect: Rect, change: (value: number) => number): Coverage[] {
  const area = intersect(wholePixels(rect), target.area);
  if (area === null) return [];
  const before = cropCoverage(target, area);
  for (let y = 0; y < area.height; y++) {
    const start = (area.y - target.area.y + y) * target.area.width + area.x - target.area.x;
    for (let i = start; i < start + area.width; i++) target.data[i] = change(target.data[i]!);
  }
  return [before];
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
