/** How the window looks at things right now: page, tool, zoom, brushes, overlays, open dialogs. Not undone, not part of a project. */
import { useDeferredValue, useState } from 'react';
import { create } from 'zustand';
import { fitView, type Rect, screenPoint, type View, zoomAt } from '../document/geometry.ts';
import type { BrushOptions, Target, ToolName } from '../tools/tool.ts';

export const MODES = ['create', 'edit', 'sketch', 'upscale', 'train'] as const;
export type Mode = (typeof MODES)[number];
/** Pages that show the canvas. */
export type CanvasMode = Exclude<Mode, 'upscale' | 'train'>;
export const isCanvasMode = (mode: Mode): mode is CanvasMode => mode !== 'upscale' && mode !== 'train';

export type Dialog =
  | 'library'
  | 'settings'
  | 'self-test'
  | 'sweep'
  | 'compare'
  | 'import model'
  | 'projects'
  | 'keys'
  | null;

/** How far a flood goes: see document/region.ts. */
export interface FillOptions {
  readonly tolerance: number;
  readonly contiguous: boolean;
}

interface ViewState {
  readonly mode: Mode;
  readonly tool: ToolName;
  /** What the eraser takes from: what was painted last. */
  readonly lastTarget: Target;
  readonly view: View;
  /** The rectangle that the view shows whole, until the user pans or zooms: it stays whole when the room changes. */
  readonly whole: Rect | null;
  /** CSS pixels of the stage. */
  readonly stage: { readonly width: number; readonly height: number };
  readonly brushes: Readonly<Record<Target, BrushOptions>>;
  readonly fill: FillOptions;
  readonly latentGrid: boolean;
  readonly maskShown: boolean;
  readonly live: boolean;
  readonly dialog: Dialog;
  /** The queue unfolded above the status bar. */
  readonly queueShown: boolean;
  /** A timeline step shown instead of the result; null = the result. */
  readonly scrubbed: number | null;
}

export const useView = create<ViewState>(() => ({
  mode: 'create',
  tool: 'mask',
  lastTarget: 'mask',
  view: { zoom: 1, x: 0, y: 0 },
  whole: null,
  stage: { width: 1, height: 1 },
  brushes: {
    mask: { size: 48, hardness: 0.8, opacity: 1, colour: '#ff5436' },
    sketch: { size: 5, hardness: 0.9, opacity: 1, colour: '#ffffff' },
    layer: { size: 24, hardness: 0.8, opacity: 1, colour: '#e9a15f' },
  },
  fill: { tolerance: 0.12, contiguous: true },
  latentGrid: false,
  maskShown: true,
  live: false,
  dialog: null,
  queueShown: false,
  scrubbed: null,
}));

/**
 * The page as panels show it: a moment behind the tab that was pressed, so that React may build it in pieces between two
 * frames instead of in one long task.
 */
export const usePage = (): Mode => useDeferredValue(useView((state) => state.mode));

/** The same for what stays in place, unseen, while a page without a canvas is shown. */
export function useCanvasPage(): CanvasMode {
  const page = usePage();
  const [last, setLast] = useState<CanvasMode>('create');
  if (isCanvasMode(page) && page !== last) setLast(page);
  return isCanvasMode(page) ? page : last;
}

/** Room around a fitted picture: beside it, above it (options bar and the frame's label), below it (results bar, timeline). CSS pixels. */
const MARGIN = { x: 68, top: 86, bottom: 160 };
/** The options bar of the mask, the longest, has further rows on a canvas narrower than these. */
const WRAPS = [760, 490];
const ROW = 32;
/** On a canvas narrower than this the results bar has two rows, and the zoom one of its own above them. */
const STACKED = { width: 560, height: 70 };
const CREATE_MARGIN = { x: 32, top: 30, bottom: 160 };

export const setMode = (mode: Mode): void =>
  useView.setState(({ tool, lastTarget }) => ({
    mode,
    scrubbed: null,
    ...(mode === 'sketch' ? { tool: SKETCH_TOOLS.has(tool) ? tool : 'brush', lastTarget: 'sketch' } : {}),
    ...(mode === 'edit'
      ? { tool: tool === 'brush' && lastTarget === 'sketch' ? 'mask' : tool, lastTarget: 'mask' }
      : {}),
  }));

/** What can be done on a sketch: it has neither layers nor a mask. */
export const SKETCH_TOOLS: ReadonlySet<ToolName> = new Set(['brush', 'eraser', 'frame', 'hand']);

/** Tools that work on the mask or on paint, whichever was at hand last. */
const EITHER: ReadonlySet<ToolName> = new Set(['eraser', 'fill', 'hand', 'frame', 'move']);

export const setTool = (tool: ToolName): void =>
  useView.setState(({ mode, lastTarget }) => {
    if (mode === 'sketch') return { tool, lastTarget: 'sketch' };
    const target: Target = tool === 'brush' ? 'layer' : EITHER.has(tool) ? lastTarget : 'mask';
    return { tool, lastTarget: target === 'sketch' ? 'mask' : target };
  });

/** What the current tool paints on. */
export function currentTarget({
  mode,
  tool,
  lastTarget,
}: Pick<ViewState, 'mode' | 'tool' | 'lastTarget'>): Target {
  if (mode === 'sketch') return 'sketch';
  if (tool === 'brush') return 'layer';
  return EITHER.has(tool) ? lastTarget : 'mask';
}

export const setBrush = (target: Target, change: Partial<BrushOptions>): void =>
  useView.setState(({ brushes }) => ({
    brushes: { ...brushes, [target]: { ...brushes[target], ...change } },
  }));

/** Brushes in proportion to what is painted on: edge in document pixels. */
export function fitBrushes(edge: number): void {
  setBrush('mask', { size: Math.max(4, Math.round(edge / 9)) });
  setBrush('layer', { size: Math.max(3, Math.round(edge / 20)) });
  setBrush('sketch', { size: Math.max(2, Math.round(edge / 90)) });
}

export const openDialog = (dialog: Dialog): void => useView.setState({ dialog });

export const panBy = (x: number, y: number): void =>
  useView.setState(({ view }) => ({ view: { ...view, x: view.x + x, y: view.y + y }, whole: null }));

/** Zooms about the middle of the stage, or about a point of it. */
export const zoomBy = (factor: number, at?: { readonly x: number; readonly y: number }): void =>
  useView.setState(({ view, stage }) => {
    const point = at ?? { x: stage.width / 2, y: stage.height / 2 };
    return { view: zoomAt(view, screenPoint(point.x, point.y), factor), whole: null };
  });

export const zoomTo = (zoom: number): void => zoomBy(zoom / useView.getState().view.zoom);

function marginOn({ stage, mode }: Pick<ViewState, 'stage' | 'mode'>): typeof MARGIN {
  if (mode === 'create') return CREATE_MARGIN;
  return {
    ...MARGIN,
    top: MARGIN.top + ROW * WRAPS.filter((width) => stage.width < width).length,
    bottom: MARGIN.bottom + (stage.width < STACKED.width ? STACKED.height : 0),
  };
}

const fitted = (whole: Rect, state: Pick<ViewState, 'stage' | 'mode'>) => ({
  whole,
  view: fitView(whole, state.stage, marginOn(state)),
});

/** Shows a rectangle whole, and keeps it so while the window or the page changes. */
export const showWhole = (rect: Rect): void => useView.setState((state) => fitted(rect, state));

useView.subscribe((state, before) => {
  const moved = state.mode !== before.mode || state.stage !== before.stage;
  if (moved && state.whole !== null) useView.setState(fitted(state.whole, state));
});
