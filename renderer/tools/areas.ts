/** Lasso and rectangle: draw an area of the mask; with Alt they take it away. */
import { between, type CanvasPoint } from '../document/geometry.ts';
import { nothing, outlineOf, type Tool, type ToolEvent } from './tool.ts';

type LassoState =
  | { readonly at: 'idle' }
  | { readonly at: 'drawing'; readonly points: readonly number[]; readonly erase: boolean };

/** Screen pixels between two points of a lasso. */
const SPACING = 3;

export const lasso: Tool<LassoState> = {
  idle: { at: 'idle' },
  cursor: () => 'crosshair',
  step(state, event, context) {
    if (event.type === 'down')
      return {
        state: { at: 'drawing', points: [event.point.x, event.point.y], erase: event.alt },
        effects: [],
      };
    if (state.at === 'idle') return nothing<LassoState>(state);
    if (event.type === 'move') {
      const [x, y] = [state.points.at(-2)!, state.points.at(-1)!];
      if (Math.hypot(event.point.x - x, event.point.y - y) * context.view.zoom < SPACING)
        return nothing<LassoState>(state);
      const points = [...state.points, event.point.x, event.point.y];
      return { state: { ...state, points }, effects: [{ do: 'show outline', points, erase: state.erase }] };
    }
    const hide = { do: 'show nothing' } as const;
    if (event.type === 'cancel' || state.points.length < 6) return { state: { at: 'idle' }, effects: [hide] };
    const points = state.points.map((value) => Math.round(value * 10) / 10);
    const operation = { kind: 'lasso', points, erase: state.erase } as const;
    return {
      state: { at: 'idle' },
      effects: [{ do: 'act', action: { type: 'mask painted', operation } }, hide],
    };
  },
};

type RectangleState =
  | { readonly at: 'idle' }
  | { readonly at: 'drawing'; readonly start: CanvasPoint; readonly erase: boolean };

export const rectangle: Tool<RectangleState> = {
  idle: { at: 'idle' },
  cursor: () => 'crosshair',
  step(state, event) {
    if (event.type === 'down')
      return { state: { at: 'drawing', start: event.point, erase: event.alt }, effects: [] };
    if (state.at === 'idle') return nothing<RectangleState>(state);
    const hide = { do: 'show nothing' } as const;
    if (event.type === 'cancel') return { state: { at: 'idle' }, effects: [hide] };
    const rect = rounded(between(state.start, corner(state.start, event)));
    if (event.type === 'move')
      return { state, effects: [{ do: 'show outline', points: outlineOf(rect), erase: state.erase }] };
    if (rect.width < 1 || rect.height < 1) return { state: { at: 'idle' }, effects: [hide] };
    const operation = { kind: 'rectangle', rect, erase: state.erase } as const;
    return {
      state: { at: 'idle' },
      effects: [{ do: 'act', action: { type: 'mask painted', operation } }, hide],
    };
  },
};

/** With Shift the rectangle is a square. */
function corner(start: CanvasPoint, { point, shift }: ToolEvent): CanvasPoint {
  if (!shift) return point;
  const size = Math.max(Math.abs(point.x - start.x), Math.abs(point.y - start.y));
  return {
    x: start.x + Math.sign(point.x - start.x) * size,
    y: start.y + Math.sign(point.y - start.y) * size,
  };
}

const rounded = (rect: { x: number; y: number; width: number; height: number }) => ({
  x: Math.round(rect.x),
  y: Math.round(rect.y),
  width: Math.round(rect.width),
  height: Math.round(rect.height),
});
