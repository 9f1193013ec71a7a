/** What lies over the picture: the mask (red, translucent, with a dashed outline) or the sketch (white lines on black paper). */
import Konva from 'konva';
import { latentCells } from '../document/blend.ts';
import { contours } from '../document/contour.ts';
import type { Coverage } from '../document/coverage.ts';
import { type SketchStroke, type StudioDocument, workArea } from '../document/document.ts';
import type { Rect, View } from '../document/geometry.ts';
import type { Mask } from '../document/mask.ts';
import { cropCoverage } from '../document/mask.ts';
import { soften } from '../document/morphology.ts';
import { MASK_COLOUR, maskSurface, previewMask } from '../surfaces/maskSurface.ts';
import { sketchSurface } from '../surfaces/sketchSurface.ts';

const MASK_OPACITY = 0.46;
/** The paper of a sketch: what the ControlNet takes for empty. */
const PAPER = '#0b0c0f';

export interface InkState {
  readonly document: StudioDocument;
  readonly what: 'mask' | 'sketch' | 'nothing';
  /** A result lies there: only the mask's outline shows, so that its colours can be judged. */
  readonly outlineOnly: boolean;
  readonly latentGrid: boolean;
  readonly view: View;
}

export function inkView(world: Konva.Group) {
  const paper = new Konva.Rect({ fill: PAPER, listening: false });
  const maskNode = new Konva.Image({ image: undefined, listening: false, opacity: MASK_OPACITY });
  const sketchNode = new Konva.Image({ image: undefined, listening: false });
  const outline = new Konva.Group({ listening: false });
  const cells = new Konva.Shape({ listening: false, visible: false });
  world.add(paper, maskNode, sketchNode, outline, cells);
  const mask = maskSurface();
  const sketch = sketchSurface();
  let last: { mask: Mask; area: Rect } | null = null;

  const showMask = ({ document }: InkState) => {
    const area = workArea(document);
    const same =
      last !== null && last.mask === document.mask && JSON.stringify(last.area) === JSON.stringify(area);
    if (same) return;
    last = { mask: document.mask, area };
    const raw = mask.follow(document.mask, area);
    const { coverage, scale, picture } = previewMask(raw, document.mask);
    const size = { width: coverage.area.width * scale, height: coverage.area.height * scale };
    maskNode.setAttrs({ image: picture, x: raw.area.x, y: raw.area.y, ...size });
    drawOutline(outline, coverage, raw.area, scale);
  };

  return {
    /** Raw mask pixels as shown; export softens them at full size. */
    maskOf: (document: StudioDocument): Coverage => mask.follow(document.mask, workArea(document)),
    show(state: InkState): void {
      const { document, what, latentGrid, view } = state;
      const { frame } = document;
      paper.setAttrs({ visible: what === 'sketch', ...frame });
      maskNode.visible(what === 'mask' && !state.outlineOnly);
      outline.visible(what === 'mask');
      sketchNode.visible(what === 'sketch');
      if (what === 'mask') showMask(state);
      if (what === 'sketch') showSketch(sketch, sketchNode, document.sketch, workArea(document));
      for (const line of outline.getChildren())
        line.setAttrs({ strokeWidth: 1.4 / view.zoom, dash: [5 / view.zoom, 4 / view.zoom] });
      cells.visible(latentGrid && what === 'mask');
      if (latentGrid && what === 'mask')
        showCells(cells, mask.follow(document.mask, workArea(document)), document);
    },
  };
}

function drawOutline(
  group: Konva.Group,
  coverage: Coverage,
  at: { x: number; y: number },
  scale: number,
): void {
  group.destroyChildren();
  for (const points of contours(coverage)) {
    const placed = points.map((value, i) => value * scale + (i % 2 === 0 ? at.x : at.y));
    group.add(
      new Konva.Line({
        points: placed,
        closed: true,
        stroke: '#fff',
        listening: false,
        perfectDrawEnabled: false,
      }),
    );
  }
}

function showSketch(
  surface: ReturnType<typeof sketchSurface>,
  node: Konva.Image,
  strokes: readonly SketchStroke[],
  area: Rect,
): void {
  const { canvas, extent } = surface.follow(strokes, area);
  node.setAttrs({ image: canvas, ...extent });
}

/** The mask as the latent sees it: each 8 × 8 cell filled by how much of it is masked. */
function showCells(shape: Konva.Shape, raw: Coverage, { frame, mask }: StudioDocument): void {
  const soft = soften(cropCoverage(raw, frame), mask);
  const { area, data } = latentCells(soft);
  shape.sceneFunc((context) => {
    const canvas = context._context;
    for (let i = 0; i < data.length; i++) {
      if (data[i]! < 0.02) continue;
      const x = frame.x + (i % area.width) * 8;
      const y = frame.y + Math.floor(i / area.width) * 8;
      canvas.globalAlpha = 0.25 + 0.5 * data[i]!;
      canvas.fillStyle = MASK_COLOUR;
      canvas.fillRect(x + 0.5, y + 0.5, 7, 7);
    }
    canvas.globalAlpha = 1;
  });
}
