/** The running stroke in a buffer of the screen's own size: each pointer event costs the pixels near the pen, however large the document is. */
import Konva from 'konva';
import { blankCoverage, type Coverage, stampSegment } from '../document/coverage.ts';
import { type Rect, union, type View } from '../document/geometry.ts';
import { radiusAt, STRIDE } from '../document/stroke.ts';
import { rgbOf } from '../surfaces/inkCanvas.ts';
import { MASK_COLOUR } from '../surfaces/maskSurface.ts';
import type { LiveStroke } from '../tools/tool.ts';

export function liveStrokeView(ratio: number) {
  const node = new Konva.Image({ image: document.createElement('canvas'), listening: false, visible: false });
  let canvas = document.createElement('canvas');
  let context = canvas.getContext('2d')!;
  let coverage: Coverage = blankCoverage({ x: 0, y: 0, width: 1, height: 1 });
  let touched: Rect | null = null;

  const clear = () => {
    if (touched === null) return;
    const { x, y, width, height } = touched;
    context.clearRect(x, y, width, height);
    for (let row = y; row < y + height; row++)
      coverage.data.fill(0, row * coverage.area.width + x, row * coverage.area.width + x + width);
    touched = null;
  };

  return {
    node,
    /** `stage` in CSS pixels. */
    resize(stage: { readonly width: number; readonly height: number }): void {
      const area = {
        x: 0,
        y: 0,
        width: Math.ceil(stage.width * ratio),
        height: Math.ceil(stage.height * ratio),
      };
      canvas = document.createElement('canvas');
      canvas.width = area.width;
      canvas.height = area.height;
      context = canvas.getContext('2d')!;
      coverage = blankCoverage(area);
      touched = null;
      node.setAttrs({ image: canvas, width: stage.width, height: stage.height });
    },
    /** Draws the part of the stroke that is new. */
    show(live: LiveStroke, view: View): void {
      if (live.from === 0) clear();
      const dirty = stamp(coverage, live, view, ratio);
      if (dirty !== null) {
        paintDirty(context, coverage, dirty, live.target === 'mask' ? MASK_COLOUR : live.colour);
        touched = touched === null ? dirty : union(touched, dirty);
      }
      node.visible(true);
      node.opacity(live.stroke.opacity);
      node.globalCompositeOperation(live.erase ? 'destination-out' : 'source-over');
    },
    hide(): void {
      clear();
      node.visible(false);
    },
  };
}

/** Stamps the pieces from `live.from` on, in device pixels; returns the rectangle that may have changed. */
function stamp(coverage: Coverage, { stroke, from }: LiveStroke, view: View, ratio: number): Rect | null {
  const scale = view.zoom * ratio;
  const at = (i: number) => ({
    x: stroke.points[i * STRIDE]! * scale + view.x * ratio,
    y: stroke.points[i * STRIDE + 1]! * scale + view.y * ratio,
    radius: radiusAt(stroke, stroke.points[i * STRIDE + 2]!) * scale,
  });
  let dirty: Rect | null = null;
  for (let i = from; i < stroke.points.length / STRIDE; i++) {
    const box = stampSegment(coverage, at(Math.max(i - 1, 0)), at(i), stroke.hardness);
    if (box !== null) dirty = dirty === null ? box : union(dirty, box);
  }
  return dirty;
}

function paintDirty(context: CanvasRenderingContext2D, coverage: Coverage, area: Rect, colour: string): void {
  const image = context.createImageData(area.width, area.height);
  const words = new Uint32Array(image.data.buffer);
  const [red, green, blue] = rgbOf(colour);
  const tint = (blue << 16) | (green << 8) | red;
  for (let y = 0; y < area.height; y++) {
    const from = (area.y + y) * coverage.area.width + area.x;
    for (let x = 0; x < area.width; x++) {
      const alpha = (coverage.data[from + x]! * 255 + 0.5) | 0;
      words[y * area.width + x] = (alpha << 24) | tint;
    }
  }
  context.putImageData(image, area.x, area.y);
}
