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
}

/** A buffer for strokes: coverage in device pixels and the canvas that shows it. */
function strokeBuffer(node: Konva.Image, ratio: number) {
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
      node.setAttrs({ image: canvas, width: stage.width, height: stage.height });
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
  };
}

const alike = (a: LiveStroke, b: LiveStroke): boolean =>
  a.target === b.target &&
  a.erase === b.erase &&
  a.colour === b.colour &&
  a.stroke.opacity === b.stroke.opacity;

export function liveStrokeView(ratio: number) {
  const node = new Konva.Image({ image: document.createElement('canvas'), listening: false, visible: false });
  const buffer = strokeBuffer(node, ratio);
  let running: Running | null = null;
  /** A finished stroke that the document's own pixels do not show yet. */
  let waiting: LiveStroke | null = null;
  return {
    node,
    /** `stage` in CSS pixels. */
    resize: buffer.resize,
    /** Draws what is new of a stroke; one that was finished just before stays in sight beneath it. */
    show(live: LiveStroke, view: View): void {
      if (live.from === 0 && (waiting === null || !alike(waiting, live))) buffer.clear();
      running = { live, view };
      buffer.add(running);
      node.visible(true);
      node.opacity(live.stroke.opacity);
      node.globalCompositeOperation(live.erase ? 'destination-out' : 'source-over');
    },
    /** The stroke has ended. It stays until `settle` when the document's pixels are still to come. */
    end(behind: boolean): void {
      if (running !== null && behind) waiting = running.live;
      running = null;
      if (waiting === null) this.settle();
    },
    /** The document's pixels are up to date: only a stroke that is running still needs to be shown here. */
    settle(): void {
      waiting = null;
      buffer.clear();
      node.visible(running !== null);
      if (running !== null) buffer.add({ ...running, live: { ...running.live, from: 0 } });
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
