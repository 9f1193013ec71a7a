/** The frame: drag it, or one of its eight handles; edges fall on multiples of 64 unless Alt is held. */
import { type CanvasPoint, contains, FRAME_SNAP, type Rect, SIZE_STEP, snap } from '../document/geometry.ts';
import { type Cursor, nothing, type Tool, type ToolContext, type ToolEvent } from './tool.ts';

/** Which edges a drag moves: −1 left/top, 1 right/bottom, 0 neither; both 0 and `inside` moves the whole frame. */
interface Grip {
  readonly x: -1 | 0 | 1;
  readonly y: -1 | 0 | 1;
}

type State =
  | { readonly at: 'idle' }
  | { readonly at: 'dragging'; readonly grip: Grip; readonly start: CanvasPoint; readonly frame: Rect };

/** How near to an edge, in screen pixels, counts as on it. */
const REACH = 9;

export const frameTool: Tool<State> = {
  idle: { at: 'idle' },
  cursor: (state, point, context) => cursorOf(state.at === 'dragging' ? state.grip : gripAt(point, context)),
  step(state, event, context) {
    if (event.type === 'down') {
      const grip = gripAt(event.point, context);
      if (grip === null) return nothing<State>(state);
      return {
        state: { at: 'dragging', grip, start: event.point, frame: context.document.frame },
        effects: [],
      };
    }
    if (state.at === 'idle') return nothing<State>(state);
    if (event.type === 'up') return { state: { at: 'idle' }, effects: [{ do: 'end gesture' }] };
    const frame = event.type === 'cancel' ? state.frame : dragged(state, event);
    const placed = { do: 'act', action: { type: 'frame moved', frame }, gesture: 'frame' } as const;
    if (event.type === 'cancel') return { state: { at: 'idle' }, effects: [placed, { do: 'end gesture' }] };
    return { state, effects: [placed] };
  },
};

function gripAt(point: CanvasPoint, { document: { frame }, view }: ToolContext): Grip | null {
  const reach = REACH / view.zoom;
  const near = (value: number, edge: number) => Math.abs(value - edge) <= reach;
  const within = (value: number, start: number, size: number) =>
    value > start - reach && value < start + size + reach;
  if (!within(point.x, frame.x, frame.width) || !within(point.y, frame.y, frame.height)) return null;
  const x = near(point.x, frame.x) ? -1 : near(point.x, frame.x + frame.width) ? 1 : 0;
  const y = near(point.y, frame.y) ? -1 : near(point.y, frame.y + frame.height) ? 1 : 0;
  return x === 0 && y === 0 && !contains(frame, point) ? null : { x, y };
}

function dragged(
  { grip, start, frame }: Extract<State, { at: 'dragging' }>,
  { point, alt }: ToolEvent,
): Rect {
  const step = alt ? SIZE_STEP : FRAME_SNAP;
  const dx = point.x - start.x;
  const dy = point.y - start.y;
  if (grip.x === 0 && grip.y === 0)
    return {
      ...frame,
      x: snap(frame.x + dx, alt ? 1 : FRAME_SNAP),
      y: snap(frame.y + dy, alt ? 1 : FRAME_SNAP),
    };
  const [x, width] = pulled(frame.x, frame.width, grip.x, dx, step);
  const [y, height] = pulled(frame.y, frame.height, grip.y, dy, step);
  return { x, y, width, height };
}

/** Start and size along one axis after its near or far edge was pulled; the other edge stays. */
function pulled(start: number, size: number, side: -1 | 0 | 1, by: number, step: number): [number, number] {
  if (side === 0) return [start, size];
  const next = Math.max(snap(size + side * by, step), FRAME_SNAP);
  return [side === 1 ? start : start + size - next, next];
}

function cursorOf(grip: Grip | null): Cursor {
  if (grip === null) return 'default';
  if (grip.x === 0 && grip.y === 0) return 'move';
  if (grip.x === 0) return 'ns-resize';
  if (grip.y === 0) return 'ew-resize';
  return grip.x === grip.y ? 'nwse-resize' : 'nesw-resize';
}
