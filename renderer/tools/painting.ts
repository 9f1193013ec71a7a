/** Brush, eraser and mask: one machine that collects the points of a stroke; what it paints on is the context's. */
import type { Action } from '../document/actions.ts';
import { activeLayer, type StudioDocument } from '../document/document.ts';
import type { CanvasPoint } from '../document/geometry.ts';
import { type Layer, paintLayer } from '../document/layer.ts';
import { mapStroke, STRIDE, type Stroke } from '../document/stroke.ts';
import {
  type BrushOptions,
  type Effect,
  nothing,
  type Target,
  type Tool,
  type ToolContext,
  type ToolEvent,
} from './tool.ts';

type State =
  | { readonly at: 'idle' }
  | {
      readonly at: 'painting';
      readonly points: readonly number[];
      readonly erase: boolean;
      readonly target: Target;
      /** As it was when the pen came down: another page has another. */
      readonly brush: BrushOptions;
    };

/** Points nearer than this many screen pixels to the last one are left out: they say nothing new. */
const SPACING = 1.5;
const IDLE: State = { at: 'idle' };

/** A painting tool. `target` overrides what the page paints on (the Mask tool always paints the mask). */
export function paintingTool(kind: { readonly erase: boolean; readonly target?: Target }): Tool<State> {
  return {
    idle: IDLE,
    cursor: () => 'ring',
    step(state, event, context) {
      if (event.type === 'down') return begin(kind, event, context);
      if (state.at === 'idle') return nothing(state);
      if (event.type === 'cancel') return { state: IDLE, effects: [{ do: 'show nothing' }] };
      if (event.type === 'move') return follow(state, event, context);
      const effects = commit(state, context);
      return { state: IDLE, effects: [...effects, { do: 'show nothing' }] };
    },
  };
}

type Painting = Extract<State, { at: 'painting' }>;

function begin(kind: { erase: boolean; target?: Target }, event: ToolEvent, context: ToolContext) {
  const target = kind.target ?? context.target;
  const points = [event.point.x, event.point.y, event.pressure];
  const { brush } = context;
  const state: Painting = { at: 'painting', points, erase: kind.erase !== event.alt, target, brush };
  return { state, effects: [show(state, 0, context)] };
}

function follow(state: Painting, event: ToolEvent, context: ToolContext) {
  const { points } = state;
  const last = points.length - STRIDE;
  const away = Math.hypot(event.point.x - points[last]!, event.point.y - points[last + 1]!);
  if (away * context.view.zoom < SPACING) return nothing<State>(state);
  // The point list is the running stroke's own buffer until it is committed: growing it in place keeps a long stroke linear.
  (points as number[]).push(event.point.x, event.point.y, event.pressure);
  return { state, effects: [show(state, points.length / STRIDE - 1, context)] };
}

const strokeOf = ({ points, brush }: Painting): Stroke => ({
  points,
  size: brush.size,
  hardness: brush.hardness,
  opacity: brush.opacity,
});

function show(state: Painting, from: number, { document }: ToolContext): Effect {
  const { erase, target, brush } = state;
  const layerOpacity = target === 'layer' ? (paintedLayer(document, erase)?.opacity ?? 1) : 1;
  return {
    do: 'show stroke',
    live: { stroke: strokeOf(state), from, target, erase, colour: brush.colour, layerOpacity },
  };
}

/** The layer that a stroke lands on. Null: on a new sheet right above the active layer; an eraser changes nothing. */
function paintedLayer(document: StudioDocument, erase: boolean): Layer | null {
  const layer = activeLayer(document);
  if (layer?.visible !== true) return null;
  return erase || layer.picture === null ? layer : null;
}

function commit(state: Painting, context: ToolContext): Effect[] {
  const { erase, target, brush } = state;
  const stroke = strokeOf(state);
  const rounded = { ...stroke, points: stroke.points.map((value) => Math.round(value * 100) / 100) };
  if (target === 'mask')
    return [act({ type: 'mask painted', operation: { kind: 'stroke', stroke: rounded, erase } })];
  if (target === 'sketch') return [act({ type: 'sketch painted', stroke: { stroke: rounded, erase } })];
  const layer = paintedLayer(context.document, erase);
  if (layer !== null) return [act(onLayer(layer, rounded, erase, brush))];
  if (erase) return [];
  const fresh = paintLayer(context.newId(), 'Paint');
  return [
    act({ type: 'layer added', layer: fresh }, 'paint'),
    act(onLayer(fresh, rounded, false, brush), 'paint'),
    { do: 'end gesture' },
  ];
}

const act = (action: Action, gesture?: string): Effect => ({
  do: 'act',
  action,
  ...(gesture === undefined ? {} : { gesture }),
});

/** The stroke in the layer's own pixels, so that it moves along when the layer does. */
function onLayer(layer: Layer, stroke: Stroke, erase: boolean, brush: BrushOptions): Action {
  const origin: CanvasPoint = { x: layer.x, y: layer.y };
  const mapped = mapStroke(stroke, origin, 1 / layer.scale);
  return {
    type: 'layer painted',
    id: layer.id,
    operation: { kind: 'stroke', stroke: mapped, colour: brush.colour, erase },
  };
}
