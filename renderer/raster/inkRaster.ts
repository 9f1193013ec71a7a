/** A canvas that is painted on and taken back again: what paint layers and the sketch are drawn with. */
import { tinted } from '../document/colour.ts';
import { type Coverage, strokeTiles } from '../document/coverage.ts';
import type { Rect } from '../document/geometry.ts';
import type { PaintOperation } from '../document/layer.ts';
import { regionCoverage } from '../document/region.ts';
import { follower } from './follower.ts';
import type { InkTiles } from './protocol.ts';
import { copyOf, drawable, surface } from './surfaces.ts';

interface Before {
  readonly area: Rect;
  readonly pixels: OffscreenCanvas;
}

/** A canvas of `extent` that follows a list of operations; `ground` draws what lies under the first of them. */
export function inkRaster(extent: Rect, ground: (context: OffscreenCanvasRenderingContext2D) => void) {
  const context = surface(extent.width, extent.height);
  const { canvas } = context;
  /** What has changed since the last `drain`; null = everything. */
  let changed: Rect[] | null = null;
  const reset = () => {
    context.clearRect(0, 0, canvas.width, canvas.height);
    ground(context);
    changed = null;
  };
  reset();
  const { show } = follower<PaintOperation, readonly Before[]>({
    reset,
    weight: (before) => before.reduce((sum, { area }) => sum + area.width * area.height, 0),
    apply(operation) {
      const before = paint(context, operation, extent);
      changed?.push(...before.map(({ area }) => area));
      return before;
    },
    restore(before) {
      for (const { area, pixels } of [...before].reverse()) {
        context.clearRect(area.x - extent.x, area.y - extent.y, area.width, area.height);
        context.drawImage(pixels, area.x - extent.x, area.y - extent.y);
        changed?.push(area);
      }
    },
  });
  return {
    canvas,
    extent,
    show,
    /** The squares that changed since this was asked last; null when none did. */
    drain(target: string): InkTiles | null {
      const parts = changed === null ? [extent] : distinct(changed.map((area) => onGrid(area, extent)));
      changed = [];
      if (parts.length === 0) return null;
      const tiles = parts.map((area) => {
        const part = { ...area, x: area.x - extent.x, y: area.y - extent.y };
        return { x: part.x, y: part.y, picture: copyOf(canvas, part).transferToImageBitmap() };
      });
      return { type: 'ink', target, extent, tiles };
    },
  };
}

/** Several operations touch the same squares; each goes over once. */
const distinct = (areas: readonly Rect[]): Rect[] => [
  ...new Map(areas.map((area) => [`${area.x} ${area.y} ${area.width} ${area.height}`, area])).values(),
];

/** Parts go over on this grid, so that their halves, quarters and eighths have whole pixels too. */
const GRID = 8;
function onGrid(area: Rect, extent: Rect): Rect {
  const x = extent.x + Math.floor((area.x - extent.x) / GRID) * GRID;
  const y = extent.y + Math.floor((area.y - extent.y) / GRID) * GRID;
  const right = Math.min(Math.ceil((area.x + area.width - x) / GRID) * GRID, extent.x + extent.width - x);
  const bottom = Math.min(Math.ceil((area.y + area.height - y) / GRID) * GRID, extent.y + extent.height - y);
  return { x, y, width: right, height: bottom };
}

/** Paints one operation and returns what it covered. */
function paint(
  context: OffscreenCanvasRenderingContext2D,
  operation: PaintOperation,
  extent: Rect,
): Before[] {
  const opacity = operation.kind === 'stroke' ? operation.stroke.opacity : operation.opacity;
  const before: Before[] = [];
  for (const coverage of coverages(operation, extent)) {
    const { area } = coverage;
    const [x, y] = [area.x - extent.x, area.y - extent.y];
    before.push({ area, pixels: copyOf(context.canvas, { ...area, x, y }) });
    context.globalAlpha = opacity;
    context.globalCompositeOperation = operation.erase ? 'destination-out' : 'source-over';
    context.drawImage(drawable(tinted(coverage, operation.colour)), x, y);
  }
  context.globalAlpha = 1;
  context.globalCompositeOperation = 'source-over';
  return before;
}

function* coverages(operation: PaintOperation, extent: Rect): Generator<Coverage> {
  if (operation.kind === 'stroke') yield* strokeTiles(operation.stroke, extent);
  else {
    const coverage = regionCoverage(operation.region, extent);
    if (coverage !== null) yield coverage;
  }
}

/** Sheets grow in steps, so that not every stroke needs a larger canvas. */
const STEP = 512;
export function roomy({ x, y, width, height }: Rect): Rect {
  const left = Math.floor(x / STEP) * STEP;
  const top = Math.floor(y / STEP) * STEP;
  return {
    x: left,
    y: top,
    width: Math.ceil((x + width - left) / STEP) * STEP,
    height: Math.ceil((y + height - top) / STEP) * STEP,
  };
}
