/** What helps and is never part of the picture: the frame with its handles, the outline being drawn, the brush ring, the pixel grid. */
import Konva from 'konva';
import {
  canvasPoint,
  intersect,
  type Rect,
  type ScreenPoint,
  toScreen,
  union,
  type View,
} from '../document/geometry.ts';
import { type Layer, layerBounds } from '../document/layer.ts';

/** Zoom from which single pixels are told apart by a grid. */
const PIXEL_GRID_FROM = 8;
const HANDLE = 8;
const FONT = '"Inter Variable", "Noto Sans SC Variable", Inter, "Noto Sans", sans-serif';
const LABEL_SIZE = 11;

export interface ChromeState {
  readonly frame: Rect;
  /** The picture's extent: where pixels are ruled. */
  readonly bounds: Rect;
  readonly view: View;
  readonly stage: { readonly width: number; readonly height: number };
  /** Handles show while the frame can be pulled. */
  readonly handles: boolean;
  readonly frameShown: boolean;
  /** Only an outline, without corners: where the first picture will appear. */
  readonly frameQuiet: boolean;
  /** The active layer while it can be moved; null otherwise. */
  readonly layer: Layer | null;
  readonly label: string;
  readonly accent: string;
  /** Darkness of what lies outside the frame while it is pulled. */
  readonly shade: number;
}

function buildNodes(screen: Konva.Group) {
  const quiet = { listening: false } as const;
  const nodes = {
    shade: new Konva.Shape({ ...quiet, fill: '#000' }),
    grid: new Konva.Shape({ ...quiet, stroke: '#fff', strokeWidth: 0.5, opacity: 0.18, visible: false }),
    frame: new Konva.Rect({ ...quiet, strokeWidth: 1.5 }),
    layer: new Konva.Rect({ ...quiet, strokeWidth: 1, stroke: '#fff', dash: [4, 3] }),
    corners: Array.from(
      { length: 4 },
      () =>
        new Konva.Rect({
          ...quiet,
          width: HANDLE,
          height: HANDLE,
          fill: '#fff',
          stroke: '#000',
          strokeWidth: 0.5,
        }),
    ),
    label: new Konva.Text({ ...quiet, fontSize: LABEL_SIZE, fontFamily: FONT }),
    handles: Array.from({ length: 8 }, () => new Konva.Rect({ ...quiet, width: HANDLE, height: HANDLE })),
    outline: new Konva.Line({ ...quiet, stroke: '#fff', strokeWidth: 1.4, dash: [5, 4], closed: true }),
    ringShade: new Konva.Circle({
      ...quiet,
      stroke: '#000',
      strokeWidth: 2.4,
      opacity: 0.35,
      visible: false,
    }),
    ring: new Konva.Circle({ ...quiet, stroke: '#fff', strokeWidth: 1.2, visible: false }),
  };
  const { shade, grid, frame, layer, corners, label, handles, outline, ringShade, ring } = nodes;
  screen.add(shade, grid, frame, label, ...handles, layer, ...corners, outline, ringShade, ring);
  return nodes;
}

/** `changed` is called when something came late: the letters of a label that no page had asked for yet. */
export function chromeView(screen: Konva.Group, changed: () => void) {
  const { shade, grid, frame, layer, corners, label, handles, outline, ringShade, ring } = buildNodes(screen);
  return {
    show(state: ChromeState): void {
      const box = onScreen(state.frame, state.view);
      frame.setAttrs({
        ...box,
        stroke: state.accent,
        strokeWidth: state.frameQuiet ? 1 : 1.5,
        opacity: state.frameQuiet ? 0.45 : 1,
        visible: state.frameShown,
      });
      if (label.text() !== state.label)
        void document.fonts.load(`${LABEL_SIZE}px ${FONT}`, state.label).then(() => {
          label.text('');
          label.text(state.label);
          changed();
        });
      label.setAttrs({
        text: state.label,
        x: box.x + 4,
        y: box.y - 18,
        fill: state.accent,
        opacity: state.frameQuiet ? 0.7 : 1,
        visible: state.frameShown,
      });
      showLayer(layer, corners, state);
      placeHandles(handles, box, state);
      shadeOutside(shade, box, state);
      grid.visible(state.view.zoom >= PIXEL_GRID_FROM);
      grid.sceneFunc((context, shape) => {
        context.beginPath();
        pixelLines(context, state);
        context.strokeShape(shape);
      });
    },
    showOutline(points: readonly number[] | null, view: View): void {
      outline.visible(points !== null);
      if (points === null) return;
      outline.points(points.map((value, i) => value * view.zoom + (i % 2 === 0 ? view.x : view.y)));
    },
    /** The brush's circle around the pointer; null hides it. */
    showRing(at: ScreenPoint | null, radius: number): void {
      for (const circle of [ring, ringShade]) {
        circle.visible(at !== null && radius > 1);
        if (at !== null) circle.setAttrs({ x: at.x, y: at.y, radius });
      }
    },
  };
}

/** Darkens what lies outside the frame while it is pulled. */
function shadeOutside(
  node: Konva.Shape,
  box: Rect,
  { shade, frameShown, handles, stage }: ChromeState,
): void {
  node.opacity(shade);
  node.visible(frameShown && handles);
  node.sceneFunc((context, shape) => {
    context.beginPath();
    context.rect(0, 0, stage.width, stage.height);
    context.rect(box.x + box.width, box.y, -box.width, box.height);
    context.fillShape(shape);
  });
}

function onScreen(rect: Rect, view: View): Rect {
  const { x, y } = toScreen(canvasPoint(rect.x, rect.y), view);
  return { x, y, width: rect.width * view.zoom, height: rect.height * view.zoom };
}

/** Corners first, then the middles of the edges. */
const PLACES = [[0, 0], [1, 0], [0, 1], [1, 1], [0.5, 0], [0.5, 1], [0, 0.5], [1, 0.5]] as const; // biome-ignore format: one table, read across

function placeHandles(
  handles: readonly Konva.Rect[],
  box: Rect,
  { accent, handles: shown, frameShown, frameQuiet }: ChromeState,
): void {
  handles.forEach((handle, i) => {
    const [u, v] = PLACES[i]!;
    const x = box.x + u * box.width - HANDLE / 2;
    const y = box.y + v * box.height - HANDLE / 2;
    handle.setAttrs({ x, y, fill: accent, visible: frameShown && !frameQuiet && (shown || i < 4) });
  });
}

/** The active layer's outline with the corners that scale it. */
function showLayer(outline: Konva.Rect, corners: readonly Konva.Rect[], { layer, view }: ChromeState): void {
  const box = layer === null ? null : onScreen(layerBounds(layer), view);
  outline.setAttrs({ ...box, visible: box !== null });
  corners.forEach((corner, i) => {
    const [u, v] = PLACES[i]!;
    corner.visible(box !== null);
    if (box !== null)
      corner.position({ x: box.x + u * box.width - HANDLE / 2, y: box.y + v * box.height - HANDLE / 2 });
  });
}

/** A line between any two pixels of the picture or the frame that are in sight. */
function pixelLines(context: Konva.Context, { view, stage, frame, bounds }: ChromeState): void {
  const inSight = { x: 0, y: 0, width: stage.width, height: stage.height };
  const box = intersect(onScreen(union(frame, bounds), view), inSight);
  if (box === null) return;
  const first = (start: number, offset: number) =>
    offset + Math.ceil((start - offset) / view.zoom) * view.zoom;
  for (let x = first(box.x, view.x); x <= box.x + box.width; x += view.zoom) {
    context.moveTo(Math.round(x) + 0.5, box.y);
    context.lineTo(Math.round(x) + 0.5, box.y + box.height);
  }
  for (let y = first(box.y, view.y); y <= box.y + box.height; y += view.zoom) {
    context.moveTo(box.x, Math.round(y) + 0.5);
    context.lineTo(box.x + box.width, Math.round(y) + 0.5);
  }
}
