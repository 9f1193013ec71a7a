/** The outline of a mask: closed lines along pixel edges where the value crosses one half, with stairs straightened. */
import type { Coverage } from './coverage.ts';

const INSIDE = 0.5;

/** Closed outlines as x, y pairs in the coverage's own pixels. Each runs with the inside on its right. */
export function contours({ area, data }: Coverage): number[][] {
  const next = edges(data, area.width, area.height);
  return [...walk(next, area.width + 1)].map((line) => straighten(line));
}

/** Corner → next corner(s) along the border; at a saddle two edges leave one corner. Corners are numbered row by row. */
function edges(data: Float32Array, width: number, height: number): Map<number, number[]> {
  const stride = width + 1;
  const next = new Map<number, number[]>();
  const edge = (from: number, to: number) => {
    const others = next.get(from);
    if (others === undefined) next.set(from, [to]);
    else others.push(to);
  };
  for (let y = 0; y <= height; y++) {
    let left = false;
    for (let x = 0; x <= width; x++) {
      const at = y * width + x;
      const here = x < width && y < height && data[at]! >= INSIDE;
      const above = x < width && y > 0 && data[at - width]! >= INSIDE;
      const corner = y * stride + x;
      if (here !== above) here ? edge(corner, corner + 1) : edge(corner + 1, corner);
      if (here !== left) here ? edge(corner + stride, corner) : edge(corner, corner + stride);
      left = here;
    }
  }
  return next;
}

function* walk(next: Map<number, number[]>, stride: number): Generator<number[]> {
  for (const start of next.keys()) {
    let at = start;
    const line: number[] = [];
    for (let to = next.get(at)?.pop(); to !== undefined; to = next.get(at)?.pop()) {
      line.push(at % stride, Math.floor(at / stride));
      at = to;
    }
    if (line.length >= 8) yield line;
  }
}

/** Replaces each edge by its middle and drops points on straight runs: stairs become slopes. */
function straighten(line: readonly number[]): number[] {
  const middles: number[] = [];
  for (let i = 0; i < line.length; i += 2) {
    const j = (i + 2) % line.length;
    middles.push((line[i]! + line[j]!) / 2, (line[i + 1]! + line[j + 1]!) / 2);
  }
  const kept: number[] = [];
  for (let i = 0; i < middles.length; i += 2) {
    const before = (i + middles.length - 2) % middles.length;
    const after = (i + 2) % middles.length;
    const cross =
      (middles[i]! - middles[before]!) * (middles[after + 1]! - middles[i + 1]!) -
      (middles[i + 1]! - middles[before + 1]!) * (middles[after]! - middles[i]!);
    if (cross !== 0) kept.push(middles[i]!, middles[i + 1]!);
  }
  return kept;
}
