/** The drawing vocabulary of the little world: colours, paints, and shapes as SVG path data. */

/** Red, green, blue in 0–255. */
export type Rgb = readonly [number, number, number];

/** A plain colour, or colours from the top of the shape to its bottom at equal distances. */
export type Paint = Rgb | { readonly topToBottom: readonly Rgb[] };

export interface Shape {
  /** SVG path data in the layer's units. */
  readonly d: string;
  readonly paint: Paint;
  /** 0–1, default 1. */
  readonly opacity?: number;
  /** Whether the contour belongs to a line drawing of the scene; shading and glitter do not. */
  readonly contour?: boolean;
}

/** Shapes drawn together; `at` puts their origin at (x, y) of the 100 × 100 picture, scaled, mirrored if `flip`. */
export interface Layer {
  readonly shapes: readonly Shape[];
  readonly at?: { readonly x: number; readonly y: number; readonly scale: number; readonly flip: boolean };
}

/** "#rrggbb" */
export function hex(text: string): Rgb {
  const value = Number.parseInt(text.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** `a` at 0, `b` at 1. */
export function mix(a: Rgb, b: Rgb, amount: number): Rgb {
  const blend = (i: 0 | 1 | 2): number => a[i] + (b[i] - a[i]) * amount;
  return [blend(0), blend(1), blend(2)];
}

/** A colour under a coloured light: factor by factor, at most 255. */
export function multiply(colour: Rgb, [r, g, b]: Rgb): Rgb {
  return [Math.min(255, colour[0] * r), Math.min(255, colour[1] * g), Math.min(255, colour[2] * b)];
}

/** A shape without a contour of its own: shading, glitter, shadows. */
export function shape(d: string, paint: Paint, opacity = 1): Shape {
  return { d, paint, opacity };
}

/** A shape whose edge belongs to the line drawing. */
export function solid(d: string, paint: Paint): Shape {
  return { d, paint, contour: true };
}

/** A rectangle from its upper left corner, rounded by `radius`. */
export function rect(x: number, y: number, width: number, height: number, radius = 0): string {
  if (radius === 0) return `M${n(x)} ${n(y)}h${n(width)}v${n(height)}h${n(-width)}z`;
  const [w, h, arc] = [width - 2 * radius, height - 2 * radius, `a${n(radius)} ${n(radius)} 0 0 1 `];
  const corner = (dx: number, dy: number): string => `${arc}${n(dx * radius)} ${n(dy * radius)}`;
  const top = `M${n(x + radius)} ${n(y)}h${n(w)}${corner(1, 1)}v${n(h)}${corner(-1, 1)}`;
  return `${top}h${n(-w)}${corner(-1, -1)}v${n(-h)}${corner(1, -1)}z`;
}

/** An ellipse around (cx, cy); a circle when one radius is given. */
export function ellipse(cx: number, cy: number, rx: number, ry = rx): string {
  const half = (dx: number): string => `a${n(rx)} ${n(ry)} 0 0 1 ${n(dx)} 0`;
  return `M${n(cx - rx)} ${n(cy)}${half(2 * rx)}${half(-2 * rx)}z`;
}

/** A closed polygon. */
export function polygon(...points: readonly (readonly [number, number])[]): string {
  return `M${points.map(([x, y]) => `${n(x)} ${n(y)}`).join('L')}z`;
}

/** Closes the area below a smooth curve through `points` (left to right) down to `bottom`. */
export function below(points: readonly (readonly [number, number])[], bottom: number): string {
  const [first, last] = [points[0]!, points.at(-1)!];
  const curve = points.slice(1).map(([x, y], i) => {
    const [px, py] = points[i]!;
    const middle = n((px + x) / 2);
    return `C${middle} ${n(py)} ${middle} ${n(y)} ${n(x)} ${n(y)}`;
  });
  return `M${n(first[0])} ${n(first[1])}${curve.join('')}L${n(last[0])} ${n(bottom)}L${n(first[0])} ${n(bottom)}z`;
}

/** Two decimals: a 5000th of the picture, and short SVG. */
function n(value: number): number {
  return Math.round(value * 100) / 100;
}
