/** A canvas that strokes are painted on and taken off again: what both layers and the sketch are drawn with. */
import { type Coverage, strokeCoverage } from '../document/coverage.ts';
import type { Rect } from '../document/geometry.ts';
import type { Stroke } from '../document/stroke.ts';
import { follower } from './replay.ts';

interface Before {
  readonly area: Rect;
  readonly pixels: OffscreenCanvas;
}

export interface InkOperation {
  readonly stroke: Stroke;
  readonly erase: boolean;
  readonly colour?: string;
}

/** A canvas of `extent` that follows a list of strokes; `ground` draws what lies under the first of them. */
export function inkCanvas(
  extent: Rect,
  colour: string,
  ground: (context: OffscreenCanvasRenderingContext2D) => void,
) {
  const canvas = new OffscreenCanvas(Math.max(extent.width, 1), Math.max(extent.height, 1));
  const context = canvas.getContext('2d')!;
  const reset = () => {
    context.clearRect(0, 0, canvas.width, canvas.height);
    ground(context);
  };
  reset();
  const { show } = follower<InkOperation, Before | null>({
    reset,
    weight: (before) => (before === null ? 0 : before.area.width * before.area.height),
    apply: (operation) => paint(context, operation, extent, colour),
    restore(before) {
      if (before === null) return;
      const { x, y, width, height } = before.area;
      context.clearRect(x - extent.x, y - extent.y, width, height);
      context.drawImage(before.pixels, x - extent.x, y - extent.y);
    },
  });
  return { canvas, extent, show };
}

/** Paints one stroke and returns what it covered. */
function paint(
  context: OffscreenCanvasRenderingContext2D,
  { stroke, erase, colour }: InkOperation,
  extent: Rect,
  otherwise: string,
): Before | null {
  const coverage = strokeCoverage(stroke, extent);
  if (coverage === null) return null;
  const { area } = coverage;
  const [x, y] = [area.x - extent.x, area.y - extent.y];
  const pixels = new OffscreenCanvas(area.width, area.height);
  pixels.getContext('2d')!.drawImage(context.canvas, -x, -y);
  const ink = new OffscreenCanvas(area.width, area.height);
  ink.getContext('2d')!.putImageData(tinted(coverage, colour ?? otherwise), 0, 0);
  context.globalAlpha = stroke.opacity;
  context.globalCompositeOperation = erase ? 'destination-out' : 'source-over';
  context.drawImage(ink, x, y);
  context.globalAlpha = 1;
  context.globalCompositeOperation = 'source-over';
  return { area, pixels };
}

/** Red, green, blue (0–255) of `#rrggbb`. */
export function rgbOf(colour: string): [number, number, number] {
  const value = Number.parseInt(colour.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** Coverage as an image of one colour whose alpha is the coverage. */
export function tinted({ area, data }: Coverage, colour: string): ImageData {
  const image = new ImageData(area.width, area.height);
  const [red, green, blue] = rgbOf(colour);
  const words = new Uint32Array(image.data.buffer);
  const tint = (blue << 16) | (green << 8) | red;
  for (let i = 0; i < data.length; i++) {
    const alpha = (data[i]! * 255 + 0.5) | 0;
    if (alpha !== 0) words[i] = (alpha << 24) | tint;
  }
  return image;
}
