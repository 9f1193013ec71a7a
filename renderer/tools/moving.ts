/** Move and Hand: one shifts the layer under the pointer, the other the view. */
import { type CanvasPoint, contains, snap } from '../document/geometry.ts';
import { layerBounds } from '../document/layer.ts';
import { nothing, type Tool, type ToolContext } from './tool.ts';

type MoveState =
  | { readonly at: 'idle' }
  | {
      readonly at: 'dragging';
      readonly id: string;
      readonly start: CanvasPoint;
      readonly x: number;
      readonly y: number;
    };

/** With Shift, layers snap to multiples of this many pixels. */
const GRID = 64;

export const moveTool: Tool<MoveState> = {
  idle: { at: 'idle' },
  cursor: (_, point, context) => (layerAt(point, context) === undefined ? 'default' : 'move'),
  step(state, event, context) {
    if (event.type === 'down') {
      const layer = layerAt(event.point, context);
      if (layer === undefined) return nothing<MoveState>(state);
      const { id, x, y } = layer;
      const chosen =
        context.document.activeLayer === id
          ? []
          : [{ do: 'act', action: { type: 'layer chosen', id } } as const];
      return { state: { at: 'dragging', id, start: event.point, x, y }, effects: chosen };
    }
    if (state.at === 'idle') return nothing<MoveState>(state);
    if (event.type === 'up') return { state: { at: 'idle' }, effects: [{ do: 'end gesture' }] };
    const step = event.shift ? GRID : 1;
    const away =
      event.type === 'cancel'
        ? { x: 0, y: 0 }
        : { x: event.point.x - state.start.x, y: event.point.y - state.start.y };
    const change = { x: snap(state.x + away.x, step), y: snap(state.y + away.y, step) };
    const act = {
      do: 'act',
      action: { type: 'layer changed', id: state.id, change },
      gesture: 'move',
    } as const;
    return { state: event.type === 'cancel' ? { at: 'idle' } : state, effects: [act] };
  },
};

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
