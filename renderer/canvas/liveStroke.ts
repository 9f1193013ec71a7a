/** The running stroke in a buffer of the screen's own size: each pointer event costs the pixels near the pen, however large the document is. */
import Konva from 'konva';
import { MASK_COLOUR, tinted } from '../document/colour.ts';
import { blankCoverage, type Coverage, stampSegment } from '../document/coverage.ts';
import { type Rect, union, type View } from '../document/geometry.ts';
import { radiusAt, STRIDE } from '../document/stroke.ts';
import type { LiveStroke } from '../tools/tool.ts';

interface Running {
  readonly live: LiveStroke;
  readonly view: View;
  /** Opacity of what it lands on. */
  readonly opacity: number;
}

/** A buffer for strokes: coverage in device pixels, and the canvas that has it in the stroke's colour. */
function strokeBuffer(ratio: number) {
  let canvas = document.createElement('canvas');
  let context = canvas.getContext('2d')!;
  let coverage: Coverage = blankCoverage({ x: 0, y: 0, width: 1, height: 1 });
  let touched: Rect | null = null;
  return {
    resize(stage: { readonly width: number; readonly height: number }): void {
      const width = Math.ceil(stage.width * ratio);
      const height = Math.ceil(stage.height * ratio);
      canvas = document.createElement('canvas');
      Object.assign(canvas, { width, height });
      context = canvas.getContext('2d')!;
      coverage = blankCoverage({ x: 0, y: 0, width, height });
      touched = null;
    },
    clear(): void {
      if (touched === null) return;
      const { x, y, width, height } = touched;
      context.clearRect(x, y, width, height);
      for (let row = y; row < y + height; row++)
        coverage.data.fill(0, row * coverage.area.width + x, row * coverage.area.width + x + width);
      touched = null;
    },
    /** Draws the part of the stroke that is new. */
    add({ live, view }: Running): void {
      const dirty = stamp(coverage, live, view, ratio);
      if (dirty === null) return;
      const { width, height, data } = tinted(
        coverage,
        live.target === 'mask' ? MASK_COLOUR : live.colour,
        dirty,
      );
      context.putImageData(new ImageData(data, width, height), dirty.x, dirty.y);
      touched = touched === null ? dirty : union(touched, dirty);
    },
    /** Draws all of it on a canvas of the same size. */
    drawOn(target: CanvasRenderingContext2D): void {
      if (touched === null) return;
      const { x, y, width, height } = touched;
      target.drawImage(canvas, x, y, width, height, x, y, width, height);
    },
  };
}

/**
 * Lays a stroke on what is on the canvas, which shows at `opacity` o already, as if it had been part of it before:
 * with the stroke's coverage c in a colour s, l·o becomes (s·c + l·(1 − c))·o; an eraser leaves l·(1 − c)·o.
 */
function lay(
  target: CanvasRenderingContext2D,
  buffer: ReturnType<typeof strokeBuffer>,
  running: Running,
): void {
  const { live, opacity } = running;
  // The buffer's pixels are the screen's, whatever the view.
  target.resetTransform();
  target.globalAlpha = live.stroke.opacity;
  target.globalCompositeOperation = 'destination-out';
  buffer.drawOn(target);
  if (live.erase) return;
  target.globalAlpha = live.stroke.opacity * opacity;
  target.globalCompositeOperation = 'lighter';
  buffer.drawOn(target);
}

const alike = (a: LiveStroke, b: LiveStroke): boolean =>
  a.target === b.target &&
  a.erase === b.erase &&
  a.colour === b.colour &&
  a.layerOpacity === b.layerOpacity &&
  a.stroke.opacity === b.stroke.opacity;

/** `ratio`: device pixels per CSS pixel. */
export function liveStrokeView(ratio: number) {
  const node = new Konva.Shape({ listening: false, visible: false });
  const buffer = strokeBuffer(ratio);
  /** What is in sight: the running stroke, or the last one. */
  let shown: Running | null = null;
  let running = false;
  /** A finished stroke that the document's own pixels do not show yet. */
  let waiting: LiveStroke | null = null;
  node.sceneFunc((context) => {
    if (shown !== null) lay(context._context, buffer, shown);
  });
  return {
    node,
    /** `stage` in CSS pixels. */
    resize: buffer.resize,
    /** Draws what is new of a stroke on something of that opacity; one that was finished just before stays in sight beneath it. */
    show(live: LiveStroke, view: View, opacity: number): void {
      if (live.from === 0 && (waiting === null || !alike(waiting, live))) buffer.clear();
      shown = { live, view, opacity };
      running = true;
      buffer.add(shown);
      node.visible(true);
    },
    /** The stroke has ended. It stays until `settle` when the document's pixels are still to come. */
    end(behind: boolean): void {
      if (running && behind) waiting = shown?.live ?? null;
      running = false;
      if (waiting === null) this.settle();
    },
    /** The document's pixels are up to date: only a stroke that is running still needs to be shown here. */
    settle(): void {
      waiting = null;
      buffer.clear();
      node.visible(running);
      if (running && shown !== null) buffer.add({ ...shown, live: { ...shown.live, from: 0 } });
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
