/** Points, rectangles and the view: the units of the canvas as types, so that a screen point never meets a canvas point. */

declare const space: unique symbol;
/** A point in CSS pixels from the stage's top left. */
export type ScreenPoint = { readonly x: number; readonly y: number; readonly [space]?: 'screen' };
/** A point in document pixels; the document's own origin never moves. */
export type CanvasPoint = { readonly x: number; readonly y: number; readonly [space]?: 'canvas' };

/** Whole or fractional document pixels; x and y are the top left corner. */
export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** screen = canvas · zoom + (x, y). */
export interface View {
  readonly zoom: number;
  readonly x: number;
  readonly y: number;
}

export const ZOOM_MIN = 0.05;
export const ZOOM_MAX = 32;
/** Frame edges fall on multiples of this many pixels (8 latent cells). */
export const FRAME_SNAP = 64;
/** Sizes a model can take are multiples of this. */
export const SIZE_STEP = 8;

export const screenPoint = (x: number, y: number): ScreenPoint => ({ x, y });
export const canvasPoint = (x: number, y: number): CanvasPoint => ({ x, y });
export const clamp = (value: number, low: number, high: number): number =>
  Math.min(Math.max(value, low), high);

export const toCanvas = (point: ScreenPoint, view: View): CanvasPoint =>
  canvasPoint((point.x - view.x) / view.zoom, (point.y - view.y) / view.zoom);

export const toScreen = (point: CanvasPoint, view: View): ScreenPoint =>
  screenPoint(point.x * view.zoom + view.x, point.y * view.zoom + view.y);

/** Zooms by `factor` so that the canvas point under the screen point stays where it is. */
export function zoomAt(view: View, at: ScreenPoint, factor: number): View {
  const zoom = clamp(view.zoom * factor, ZOOM_MIN, ZOOM_MAX);
  const ratio = zoom / view.zoom;
  return { zoom, x: at.x - (at.x - view.x) * ratio, y: at.y - (at.y - view.y) * ratio };
}

/** The view that shows `rect` whole and centred, `margin` CSS pixels free on every side; never enlarged beyond `limit`. */
export function fitView(
  rect: Rect,
  stage: { readonly width: number; readonly height: number },
  margin: { readonly x: number; readonly top: number; readonly bottom: number },
  limit = 4,
): View {
  const room = {
    width: Math.max(stage.width - 2 * margin.x, 16),
    height: Math.max(stage.height - margin.top - margin.bottom, 16),
  };
  const zoom = clamp(Math.min(room.width / rect.width, room.height / rect.height, limit), ZOOM_MIN, ZOOM_MAX);
  return {
    zoom,
    x: (stage.width - rect.width * zoom) / 2 - rect.x * zoom,
    y: margin.top + (room.height - rect.height * zoom) / 2 - rect.y * zoom,
  };
}

export function union(a: Rect, b: Rect): Rect {
  const x = Math.min(a.x, b.x);
  const y = Math.min(a.y, b.y);
  return {
    x,
    y,
    width: Math.max(a.x + a.width, b.x + b.width) - x,
    height: Math.max(a.y + a.height, b.y + b.height) - y,
  };
}

/** The common part, or null when they do not overlap. */
export function intersect(a: Rect, b: Rect): Rect | null {
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  const width = Math.min(a.x + a.width, b.x + b.width) - x;
  const height = Math.min(a.y + a.height, b.y + b.height) - y;
  return width > 0 && height > 0 ? { x, y, width, height } : null;
}

export const contains = (rect: Rect, point: { readonly x: number; readonly y: number }): boolean =>
  point.x >= rect.x && point.y >= rect.y && point.x < rect.x + rect.width && point.y < rect.y + rect.height;

export const sameRect = (a: Rect, b: Rect): boolean =>
  a.x === b.x && a.y === b.y && a.width === b.width && a.height === b.height;

export const covers = (outer: Rect, inner: Rect): boolean =>
  inner.x >= outer.x &&
  inner.y >= outer.y &&
  inner.x + inner.width <= outer.x + outer.width &&
  inner.y + inner.height <= outer.y + outer.height;

export const snap = (value: number, step: number): number => Math.round(value / step) * step;

/** The smallest rectangle of whole pixels around `rect`. */
export function wholePixels(rect: Rect): Rect {
  const x = Math.floor(rect.x);
  const y = Math.floor(rect.y);
  return {
    x,
    y,
    width: Math.ceil(rect.x + rect.width) - x,
    height: Math.ceil(rect.y + rect.height) - y,
  };
}

/** The rectangle between two corners in any order. */
export const between = (a: CanvasPoint, b: CanvasPoint): Rect => ({
  x: Math.min(a.x, b.x),
  y: Math.min(a.y, b.y),
  width: Math.abs(a.x - b.x),
  height: Math.abs(a.y - b.y),
});
