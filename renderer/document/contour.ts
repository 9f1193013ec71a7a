/** The outline of a mask: closed lines along pixel edges where the value crosses one half, with stairs straightened. */
import type { Coverage } from './coverage.ts';

const INSIDE = 0.5;

/** Closed outlines as x, y pairs in the coverage's own pixels. Each runs with the inside on its right. */
export function contours({ area, data }: Coverage): number[][] {
  const { width, height } = area;
  const inside = (x: number, y: number) =>
    x >= 0 && y >= 0 && x < width && y < height && data[y * width + x]! >= INSIDE;
  const stride = width + 1;
  /** Corner → next corner(s); at a saddle two edges leave one corner. */
  const next = new Map<number, number[]>();
  const edge = (fromX: number, fromY: number, toX: number, toY: number) => {
    const from = fromY * stride + fromX;
    const others = next.get(from);
    if (others === undefined) next.set(from, [toY * stride + toX]);
    else others.push(toY * stride + toX);
  };
  for (let y = 0; y <= height; y++)
    for (let x = 0; x <= width; x++) {
      const here = inside(x, y);
      if (here !== inside(x, y - 1)) here ? edge(x, y, x + 1, y) : edge(x + 1, y, x, y);
      if (here !== inside(x - 1, y)) here ? edge(x, y + 1, x, y) : edge(x, y, x, y + 1);
    }
  return [...walk(next, stride)].map((line) => straighten(line));
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
