/** The sketch's pixels: white lines on nothing, kept in step with the strokes. */
import type { SketchStroke } from '../document/document.ts';
import { type Rect, wholePixels } from '../document/geometry.ts';
import { inkCanvas } from './inkCanvas.ts';

/** White on black is what ControlNets for scribbles were trained on. */
const INK = '#ffffff';

export function sketchSurface() {
  const blank = (extent: Rect) => inkCanvas(extent, INK, () => undefined);
  let ink = blank({ x: 0, y: 0, width: 1, height: 1 });
  return {
    /** The sketch over an area of the document. */
    follow(
      strokes: readonly SketchStroke[],
      area: Rect,
    ): { readonly canvas: OffscreenCanvas; readonly extent: Rect } {
      const whole = wholePixels(area);
      const { x, y, width, height } = ink.extent;
      if (whole.x !== x || whole.y !== y || whole.width !== width || whole.height !== height)
        ink = blank(whole);
      ink.show(strokes);
      return ink;
    },
  };
}
