/**
 * What lies over the layers: the mask (red, translucent, with a dashed outline) and the sketch (white lines, on black
 * paper where it is the page). A running stroke is laid on mask or sketch while nothing else is on the
 * canvas, so that an eraser takes away of these only; what lies under them is drawn afterwards, behind what is there.
 */
import Konva from 'konva';
import { latentCellSize } from '../document/blend.ts';
import { MASK_COLOUR } from '../document/colour.ts';
import type { Coverage } from '../document/coverage.ts';
import type { Rect } from '../document/geometry.ts';
import { levelFor } from '../surfaces/levels.ts';
import type { RasterView } from '../surfaces/raster.ts';

export const MASK_OPACITY = 0.46;
/** The paper of a sketch: what the ControlNet takes for empty. */
const PAPER = '#0b0c0f';
/** The sketch over a picture, so that both can be seen. */
const OVERLAY_OPACITY = 0.7;
/** Zoom from which the latent's cells are ruled. */
const RULED_FROM = 1;

/** Under what is on the canvas already: of several, the first lies highest. */
const BEHIND = { globalCompositeOperation: 'destination-over' } as const;

export interface InkState {
  readonly frame: Rect;
  readonly zoom: number;
  readonly mask: boolean;
  /** A result lies there: only the mask's outline shows, so that its colours can be judged. */
  readonly outlineOnly: boolean;
  readonly latentGrid: boolean;
  readonly sketch: 'page' | 'overlay' | 'hidden';
  /** What a photo became, where the hint is made of one: it takes the place of the strokes. */
  readonly hint: ImageBitmap | null;
}

export function inkView(world: Konva.Group) {
  const quiet = { listening: false, visible: false } as const;
  const paper = new Konva.Rect({ ...quiet, ...BEHIND, fill: PAPER });
  const maskNode = new Konva.Image({ ...quiet, image: undefined, opacity: MASK_OPACITY });
  const hintNode = new Konva.Image({ ...quiet, ...BEHIND, image: undefined });
  const sketchNode = new Konva.Image({ ...quiet, image: undefined });
  const outline = new Konva.Shape(quiet);
  const cells = new Konva.Shape(quiet);
  const stroke = { mask: new Konva.Group(), sketch: new Konva.Group() };
  world.add(maskNode, outline, stroke.mask, sketchNode, stroke.sketch, hintNode, paper, cells);
  let outlined: readonly (readonly number[])[] | null = null;

  return {
    /** Where a running stroke is laid on what it changes. */
    stroke,
    show(state: InkState, { mask, inks }: RasterView): void {
      const { frame, zoom } = state;
      paper.setAttrs({ visible: state.sketch === 'page', ...frame });
      if (mask !== null) maskNode.setAttrs({ image: mask.picture, ...mask.area });
      if (mask !== null && mask.outlines !== outlined) {
        outlined = mask.outlines;
        const path = pathOf(outlined);
        outline.sceneFunc((context) => dashed(context._context, path, outline.getAbsoluteScale().x));
      }
      maskNode.visible(state.mask && !state.outlineOnly && mask !== null);
      outline.visible(state.mask && mask !== null);
      const sketch = inks.get('sketch');
      if (sketch !== undefined)
        sketchNode.setAttrs({ image: sketch.levels[levelFor(zoom)] ?? sketch.levels[0], ...sketch.extent });
      sketchNode.opacity(state.sketch === 'page' ? 1 : OVERLAY_OPACITY);
      sketchNode.visible(state.sketch !== 'hidden' && sketch !== undefined && state.hint === null);
      if (state.hint !== null) hintNode.setAttrs({ image: state.hint, ...frame });
      hintNode.visible(state.sketch === 'page' && state.hint !== null);
      cells.visible(state.latentGrid && state.mask);
      cells.sceneFunc((context) => latentGrid(context._context, frame, mask?.cells ?? null, zoom));
    },
  };
}

function pathOf(lines: readonly (readonly number[])[]): Path2D {
  const path = new Path2D();
  for (const line of lines) {
    path.moveTo(line[0]!, line[1]!);
    for (let i = 2; i < line.length; i += 2) path.lineTo(line[i]!, line[i + 1]!);
    path.closePath();
  }
  return path;
}

/** White dashes on a dark line: to be seen on any picture. `zoom` keeps the line's width on the screen. */
function dashed(context: CanvasRenderingContext2D, path: Path2D, zoom: number): void {
  context.lineWidth = 1.6 / zoom;
  context.setLineDash([]);
  context.strokeStyle = 'rgba(0, 0, 0, 0.35)';
  context.stroke(path);
  context.setLineDash([5 / zoom, 4 / zoom]);
  context.strokeStyle = '#fff';
  context.stroke(path);
}

/** The mask as the latent sees it: each 8 × 8 cell of the frame filled by how much of it is masked. */
function latentGrid(
  context: CanvasRenderingContext2D,
  frame: Rect,
  cells: Coverage | null,
  zoom: number,
): void {
  const size = latentCellSize;
  context.fillStyle = MASK_COLOUR;
  cells?.data.forEach((value, i) => {
    if (value < 0.02) return;
    context.globalAlpha = 0.25 + 0.5 * value;
    const x = cells.area.x + (i % cells.area.width) * size;
    const y = cells.area.y + Math.floor(i / cells.area.width) * size;
    context.fillRect(x + 0.5, y + 0.5, size - 1, size - 1);
  });
  context.globalAlpha = 1;
  if (zoom < RULED_FROM) return;
  context.beginPath();
  for (let x = frame.x; x <= frame.x + frame.width; x += size) {
    context.moveTo(x, frame.y);
    context.lineTo(x, frame.y + frame.height);
  }
  for (let y = frame.y; y <= frame.y + frame.height; y += size) {
    context.moveTo(frame.x, y);
    context.lineTo(frame.x + frame.width, y);
  }
  context.lineWidth = 0.6 / zoom;
  context.strokeStyle = 'rgba(255, 255, 255, 0.22)';
  context.stroke();
}
