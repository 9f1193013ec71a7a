/** The picture of a loss curve for a model's card: raw losses pale, their moving average on top. */
import sharp from 'sharp';
import type { LossRecord } from './lossLog.ts';

export interface CurveOptions {
  readonly title: string;
  /** Pixels; default 640 × 320. */
  readonly width?: number;
  readonly height?: number;
}

const MARGIN = { left: 58, right: 18, top: 38, bottom: 34 };
/** Points drawn at most; longer runs are averaged into so many. */
const MAX_POINTS = 400;

/** A PNG of the losses, on a logarithmic scale where all are positive. Throws RangeError when there is nothing to show. */
export async function lossCurvePng(
  records: readonly LossRecord[],
  options: CurveOptions,
): Promise<Uint8Array> {
  return sharp(Buffer.from(lossCurveSvg(records, options)))
    .png({ palette: true, colours: 32 })
    .toBuffer();
}

/** Losses over steps as an SVG, long runs thinned out. Throws RangeError for fewer than two finite losses. */
export function lossCurveSvg(
  records: readonly LossRecord[],
  { title, width = 640, height = 320 }: CurveOptions,
): string {
  const points = thinned(records.filter(({ loss }) => Number.isFinite(loss)));
  if (points.length < 2) throw new RangeError('A loss curve needs two or more records with a finite loss');
  const plot = plotOf(points, width, height);
  const line = (values: readonly Point[]): string =>
    values.map(([x, y]) => `${plot.x(x).toFixed(1)},${plot.y(y).toFixed(1)}`).join(' ');
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="11" fill="#5b6070">
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="${MARGIN.left}" y="22" font-size="14" fill="#1d2440">${escaped(title)}</text>
${plot.grid}
<polyline points="${line(points)}" fill="none" stroke="#a9c4f5" stroke-width="1"/>
<polyline points="${line(smoothed(points))}" fill="none" stroke="#2055dd" stroke-width="2"/>
</svg>`;
}

/** Step and loss. */
type Point = readonly [number, number];

interface Plot {
  readonly x: (step: number) => number;
  readonly y: (loss: number) => number;
  readonly grid: string;
}

/** From a loss to its height and back. */
interface Scale {
  readonly up: (loss: number) => number;
  readonly down: (height: number) => number;
}
const LOGARITHMIC: Scale = { up: Math.log, down: Math.exp };
const LINEAR: Scale = { up: (loss) => loss, down: (height) => height };

function plotOf(points: readonly Point[], width: number, height: number): Plot {
  const losses = points.map(([, loss]) => loss);
  const { up, down } = losses.every((loss) => loss > 0) ? LOGARITHMIC : LINEAR;
  const [low, high] = [up(Math.min(...losses)), up(Math.max(...losses))];
  const [first, last] = [points[0]![0], points.at(-1)![0]];
  const span = Math.max(high - low, 1e-6);
  const [right, bottom] = [width - MARGIN.right, height - MARGIN.bottom];
  const x = (step: number): number =>
    MARGIN.left + ((step - first) / Math.max(1, last - first)) * (right - MARGIN.left);
  const y = (loss: number): number => bottom - ((up(loss) - low) / span) * (bottom - MARGIN.top);
  const rows = [0, 0.25, 0.5, 0.75, 1].map((share) => rowSvg(down(low + share * span), y, right));
  const columns = [first, Math.round((first + last) / 2), last].map(
    (step) => `<text x="${x(step).toFixed(1)}" y="${bottom + 18}" text-anchor="middle">${step}</text>`,
  );
  return { x, y, grid: [...rows, ...columns].join('\n') };
}

function rowSvg(loss: number, y: (loss: number) => number, right: number): string {
  const at = y(loss).toFixed(1);
  return `<path d="M${MARGIN.left} ${at}H${right}" stroke="#e6e8ee"/><text x="${MARGIN.left - 8}" y="${at}" dy="4" text-anchor="end">${loss.toPrecision(3)}</text>`;
}

/** Means of equal runs of records, at most MAX_POINTS of them. */
function thinned(records: readonly LossRecord[]): Point[] {
  const size = Math.max(1, Math.ceil(records.length / MAX_POINTS));
  const groups = Array.from({ length: Math.ceil(records.length / size) }, (_, i) =>
    records.slice(i * size, (i + 1) * size),
  );
  return groups.map((group) => [
    group.at(-1)!.step,
    group.reduce((sum, { loss }) => sum + loss, 0) / group.length,
  ]);
}

/** Mean over a centred window of about a twentieth of the curve, so that the line does not lag behind. */
function smoothed(points: readonly Point[]): Point[] {
  const reach = Math.floor(points.length / 40);
  return points.map(([step], i) => {
    const window = points.slice(Math.max(0, i - reach), i + reach + 1);
    return [step, window.reduce((sum, [, loss]) => sum + loss, 0) / window.length];
  });
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
