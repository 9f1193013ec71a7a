/** What a tool is: a small state machine from pointer events to effects. It never touches the canvas or the store. */
import type { Action } from '../document/actions.ts';
import type { StudioDocument } from '../document/document.ts';
import type { CanvasPoint, Rect, View } from '../document/geometry.ts';
import type { Stroke } from '../document/stroke.ts';

export const TOOLS = [
  'move', 'brush', 'eraser', 'mask', 'lasso', 'rectangle', 'fill', 'frame', 'hand',
] as const; // biome-ignore format: one list
export type ToolName = (typeof TOOLS)[number];

/** The key of each tool, alone, on a page with a canvas. */
export const TOOL_KEYS: Readonly<Record<ToolName, string>> = {
  move: 'V', brush: 'B', eraser: 'E', mask: 'M', lasso: 'L', rectangle: 'R', fill: 'K', frame: 'F', hand: 'H',
}; // biome-ignore format: one table

/** What strokes land on: the soft mask, the sketch, or the active layer. */
export type Target = 'mask' | 'sketch' | 'layer';

export interface BrushOptions {
  /** Diameter in document pixels. */
  readonly size: number;
  readonly hardness: number;
  readonly opacity: number;
  readonly colour: string;
}

export interface ToolContext {
  readonly document: StudioDocument;
  readonly view: View;
  readonly brush: BrushOptions;
  readonly target: Target;
  /** A fresh id for a new layer. */
  readonly newId: () => string;
}

export interface ToolEvent {
  readonly type: 'down' | 'move' | 'up' | 'cancel';
  readonly point: CanvasPoint;
  /** 0–1; a mouse says 0.5. */
  readonly pressure: number;
  readonly shift: boolean;
  readonly alt: boolean;
}

/** How the running stroke shows before it is part of the document. */
export interface LiveStroke {
  readonly stroke: Stroke;
  /** First point that was not shown yet. */
  readonly from: number;
  readonly target: Target;
  readonly erase: boolean;
  readonly colour: string;
  /** Opacity of the layer that it lands on; 1 where it lands on none that is there already. */
  readonly layerOpacity: number;
}

export type Effect =
  | { readonly do: 'act'; readonly action: Action; readonly gesture?: string }
  | { readonly do: 'end gesture' }
  | { readonly do: 'show stroke'; readonly live: LiveStroke }
  | { readonly do: 'show outline'; readonly points: readonly number[]; readonly erase: boolean }
  | { readonly do: 'flood'; readonly at: CanvasPoint; readonly target: Target; readonly erase: boolean }
  | { readonly do: 'show nothing' }
  /** Moves the view by CSS pixels. */
  | { readonly do: 'pan'; readonly x: number; readonly y: number };

/** `ring`: a circle of the brush's size; the rest are CSS cursor names. */
export type Cursor =
  | 'ring'
  | 'crosshair'
  | 'default'
  | 'move'
  | 'grab'
  | 'grabbing'
  | 'nwse-resize'
  | 'nesw-resize'
  | 'ns-resize'
  | 'ew-resize';

export interface Tool<State> {
  readonly idle: State;
  readonly step: (
    state: State,
    event: ToolEvent,
    context: ToolContext,
  ) => { readonly state: State; readonly effects: readonly Effect[] };
  readonly cursor: (state: State, point: CanvasPoint, context: ToolContext) => Cursor;
}

export const nothing = <State>(state: State) => ({ state, effects: [] as readonly Effect[] });

/** The corners of a rectangle as the outline of a lasso. */
export const outlineOf = (rect: Rect): number[] => [
  rect.x,
  rect.y,
  rect.x + rect.width,
  rect.y,
  rect.x + rect.width,
  rect.y + rect.height,
  rect.x,
  rect.y + rect.height,
];
