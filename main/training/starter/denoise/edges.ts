/** How well the edges of a picture agree with a line drawing. */
import { canny } from '../../../images/hints/canny.ts';

/** Edges may lie this many pixels from the line. */
const REACH = 2;
const THRESHOLDS = { low: 60, high: 140 } as const;

/** Picture [3, size, size] in −1…1 and drawing [size, size] in 0–1 → F-score, 0–1 (Martin et al. 2004). */
export function edgeScore(picture: Float32Array, drawing: Float32Array, size: number): number {
  const found = edgesOf(picture, size);
  const wanted = Array.from(drawing, (value) => value > 0.5);
  const precision = shareNear(found, wanted, size);
  const recall = shareNear(wanted, found, size);
  return precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
}

function edgesOf(picture: Float32Array, size: number): boolean[] {
  const area = size * size;
  const bytes = new Uint8Array(3 * area);
  for (let i = 0; i < area; i++)
    for (let channel = 0; channel < 3; channel++)
      bytes[3 * i + channel] = Math.round(
        127.5 * (Math.min(1, Math.max(-1, picture[channel * area + i]!)) + 1),
      );
  return Array.from(canny(bytes, size, size, 3, THRESHOLDS), (value) => value > 0);
}

/** The share of `points` that have one of `others` within reach. */
function shareNear(points: readonly boolean[], others: readonly boolean[], size: number): number {
  let [all, near] = [0, 0];
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      if (!points[y * size + x]) continue;
      all++;
      if (anyWithin(others, x, y, size)) near++;
    }
  return all === 0 ? 0 : near / all;
}

function anyWithin(points: readonly boolean[], x: number, y: number, size: number): boolean {
  for (let row = Math.max(0, y - REACH); row <= Math.min(size - 1, y + REACH); row++)
    for (let column = Math.max(0, x - REACH); column <= Math.min(size - 1, x + REACH); column++)
      if (points[row * size + column]) return true;
  return false;
}
