/** A stroke as data: where the pen was, how hard it pressed, and how wide and soft its line is. */
import type { Rect } from './geometry.ts';

export interface Stroke {
  /** x, y, pressure (0–1) of each point, one after another, in the pixels of what is painted on. */
  readonly points: readonly number[];
  /** Diameter in pixels at full pressure. */
  readonly size: number;
  /** 1 = a sharp edge, 0 = soft from the centre outwards. */
  readonly hardness: number;
  /** Coverage at the centre, 0–1. */
  readonly opacity: number;
}

/** Values per point in `points`. */
export const STRIDE = 3;
/** A pen that barely touches still draws this part of the full width. */
const LIGHTEST = 0.25;

/** Radius in pixels at a pressure; a mouse reports 0.5, which counts as full width. */
export const radiusAt = (stroke: Pick<Stroke, 'size'>, pressure: number): number =>
  (stroke.size / 2) * Math.min(1, LIGHTEST + (1 - LIGHTEST) * pressure * 2);

/** The pixels that a stroke can touch. */
export function strokeBounds(stroke: Stroke): Rect {
  let left = Infinity;
  let top = Infinity;
  let right = -Infinity;
  let bottom = -Infinity;
  for (let i = 0; i + 2 < stroke.points.length; i += STRIDE) {
    left = Math.min(left, stroke.points[i]!);
    right = Math.max(right, stroke.points[i]!);
    top = Math.min(top, stroke.points[i + 1]!);
    bottom = Math.max(bottom, stroke.points[i + 1]!);
  }
  if (left > right) return { x: 0, y: 0, width: 0, height: 0 };
  const reach = stroke.size / 2 + 1;
  return {
    x: left - reach,
    y: top - reach,
    width: right - left + 2 * reach,
    height: bottom - top + 2 * reach,
  };
}

/** The same stroke in a space that is shifted and `scale` times as large: p → (p − origin) · scale. */
export function mapStroke(
  stroke: Stroke,
  origin: { readonly x: number; readonly y: number },
  scale: number,
): Stroke {
  const points = stroke.points.map((value, i) => {
    if (i % STRIDE === 2) return value;
    return (value - (i % STRIDE === 0 ? origin.x : origin.y)) * scale;
  });
  return { ...stroke, points, size: stroke.size * scale };
}
