/** Move and Hand: one shifts or scales a layer, the other shifts the view. */

import { activeLayer } from '../document/document.ts';
import { type CanvasPoint, clamp, contains, type Rect, snap } from '../document/geometry.ts';
import { type Layer, layerBounds, layerExtent } from '../document/layer.ts';
import { type Effect, nothing, type Tool, type ToolContext, type ToolEvent } from './tool.ts';

/** A corner: −1 left or top, 1 right or bottom. */
interface Corner {
  readonly x: -1 | 1;
  readonly y: -1 | 1;
}

type MoveState =
  | { readonly at: 'idle' }
  | { readonly at: 'dragging'; readonly layer: Layer; readonly start: CanvasPoint }
  | { readonly at: 'scaling'; readonly layer: Layer; readonly corner: Corner };

/** With Shift, layers snap to multiples of this many pixels. */
const GRID = 64;
/** How near to a corner, in screen pixels, counts as on it. */
const REACH = 10;
const SMALLEST = 0.02;
const LARGEST = 32;
const IDLE: MoveState = { at: 'idle' };

export const moveTool: Tool<MoveState> = {
  idle: IDLE,
  cursor(state, point, context) {
    const corner = state.at === 'scaling' ? state.corner : cornerAt(point, context);
    if (corner !== null) return corner.x === corner.y ? 'nwse-resize' : 'nesw-resize';
    return layerAt(point, context) === undefined ? 'default' : 'move';
  },
  step(state, event, context) {
    if (event.type === 'down') return grab(event.point, context);
    if (state.at === 'idle') return nothing<MoveState>(state);
    if (event.type === 'up') return { state: IDLE, effects: [{ do: 'end gesture' }] };
    const { id, x, y, scale } = state.layer;
    if (event.type === 'cancel')
      return { state: IDLE, effects: [placed(id, { x, y, scale }), { do: 'end gesture' }] };
    const change = state.at === 'dragging' ? moved(state, event) : scaled(state, event);
    return { state, effects: [placed(id, change)] };
  },
};

const placed = (
  id: string,
  change: { readonly x: number; readonly y: number; readonly scale?: number },
): Effect => ({ do: 'act', action: { type: 'layer changed', id, change }, gesture: 'move' });

function grab(
  point: CanvasPoint,
  context: ToolContext,
): { readonly state: MoveState; readonly effects: readonly Effect[] } {
  const active = activeLayer(context.document);
  const corner = cornerAt(point, context);
  if (active !== null && corner !== null)
    return { state: { at: 'scaling', layer: active, corner }, effects: [] };
  const layer = layerAt(point, context);
  if (layer === undefined) return nothing<MoveState>(IDLE);
  const { id } = layer;
  const chosen: Effect[] = active?.id === id ? [] : [{ do: 'act', action: { type: 'layer chosen', id } }];
  return { state: { at: 'dragging', layer, start: point }, effects: chosen };
}

function moved(
  { layer, start }: Extract<MoveState, { at: 'dragging' }>,
  { point, shift }: ToolEvent,
): { x: number; y: number } {
  const step = shift ? GRID : 1;
  return { x: snap(layer.x + point.x - start.x, step), y: snap(layer.y + point.y - start.y, step) };
}

/** The layer with its opposite corner where it was and its proportions as they were. */
function scaled(
  { layer, corner }: Extract<MoveState, { at: 'scaling' }>,
  { point }: ToolEvent,
): { x: number; y: number; scale: number } {
  const extent = layerExtent(layer);
  const bounds = layerBounds(layer);
  const anchorX = corner.x === 1 ? bounds.x : bounds.x + bounds.width;
  const anchorY = corner.y === 1 ? bounds.y : bounds.y + bounds.height;
  const wide = ((point.x - anchorX) * corner.x) / extent.width;
  const high = ((point.y - anchorY) * corner.y) / extent.height;
  const scale = clamp(Math.max(wide, high), SMALLEST, LARGEST);
  const near = (start: number, size: number, side: -1 | 1) => (side === 1 ? start : start + size) * scale;
  return {
    x: anchorX - near(extent.x, extent.width, corner.x),
    y: anchorY - near(extent.y, extent.height, corner.y),
    scale,
  };
}

function cornerAt(point: CanvasPoint, { document, view }: ToolContext): Corner | null {
  const layer = activeLayer(document);
  if (layer === null || !layer.visible) return null;
  const { x, y, width, height }: Rect = layerBounds(layer);
  const reach = REACH / view.zoom;
  const side = (value: number, start: number, size: number): -1 | 0 | 1 =>
    Math.abs(value - start) <= reach ? -1 : Math.abs(value - start - size) <= reach ? 1 : 0;
  const across = side(point.x, x, width);
  const down = side(point.y, y, height);
  return across === 0 || down === 0 ? null : { x: across, y: down };
}

/** The topmost visible layer under the point. */
const layerAt = (point: CanvasPoint, { document }: ToolContext) =>
  document.layers.findLast((layer) => layer.visible && contains(layerBounds(layer), point));

type HandState = { readonly at: 'idle' } | { readonly at: 'dragging'; readonly grabbed: CanvasPoint };

export const handTool: Tool<HandState> = {
  idle: { at: 'idle' },
  cursor: (state) => (state.at === 'dragging' ? 'grabbing' : 'grab'),
  step(state, event, { view }) {
    if (event.type === 'down') return { state: { at: 'dragging', grabbed: event.point }, effects: [] };
    if (state.at === 'idle') return nothing<HandState>(state);
    if (event.type !== 'move') return { state: { at: 'idle' }, effects: [] };
    // The grabbed canvas point stays under the pointer: the view moves by what it has slipped, in screen pixels.
    const pan = {
      do: 'pan',
      x: (event.point.x - state.grabbed.x) * view.zoom,
      y: (event.point.y - state.grabbed.y) * view.zoom,
    } as const;
    return { state, effects: [pan] };
  },
};
