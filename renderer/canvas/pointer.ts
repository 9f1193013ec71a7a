/** Pointer, wheel and keys on the canvas: they become tool events; what tools answer is done. React hears nothing of it. */
import { type ScreenPoint, screenPoint, toCanvas } from '../document/geometry.ts';
import { hideResults } from '../stores/candidates.ts';
import { finishGesture, perform, useDocument } from '../stores/document.ts';
import { currentTarget, panBy, useView, zoomBy } from '../stores/view.ts';
import { startTools } from '../tools/registry.ts';
import type { Cursor, Effect, ToolContext, ToolEvent, ToolName } from '../tools/tool.ts';

/** Zoom per wheel pixel with Ctrl held (or a pinch). */
const WHEEL_ZOOM = 0.0022;
let ids = 0;
const newId = (): string => `layer-${Date.now().toString(36)}-${(ids++).toString(36)}`;

function context(): ToolContext {
  const state = useView.getState();
  const target = currentTarget(state);
  const { document } = useDocument.getState().timeline;
  return { document, view: state.view, brush: state.brushes[target], target, newId };
}

/** Attaches the listeners. `show` gets the effects that are drawn, `hover` where the pointer is and how it looks. */
export function listenToPointer(
  element: HTMLElement,
  show: (effect: Effect) => void,
  hover: (at: ScreenPoint | null, cursor: Cursor) => void,
): () => void {
  const tools = startTools();
  let spaceHeld = false;
  let pressed: ToolName | null = null;

  const locate = (event: MouseEvent): ScreenPoint => {
    const box = element.getBoundingClientRect();
    return screenPoint(event.clientX - box.left, event.clientY - box.top);
  };
  const toolFor = (event: PointerEvent | null): ToolName => {
    const { mode, tool } = useView.getState();
    return spaceHeld || event?.button === 1 || mode === 'create' ? 'hand' : tool;
  };
  const send = (type: ToolEvent['type'], event: PointerEvent) => {
    if (pressed === null) return;
    const point = toCanvas(locate(event), useView.getState().view);
    const pressure = event.pointerType === 'mouse' || event.pressure === 0 ? 0.5 : event.pressure;
    const { shiftKey: shift, altKey: alt } = event;
    for (const effect of tools[pressed].handle({ type, point, pressure, shift, alt }, context()))
      enact(effect, show);
  };
  const look = (event: PointerEvent) => {
    const at = locate(event);
    const point = toCanvas(at, useView.getState().view);
    element.dataset['pointer'] = `${Math.floor(point.x)},${Math.floor(point.y)}`;
    const cursor = tools[pressed ?? toolFor(null)].cursor(point, context());
    element.style.cursor = cursor === 'ring' ? 'none' : cursor;
    hover(at, cursor);
  };

  const handlers = {
    pointerdown(event: PointerEvent) {
      if (event.button > 1 || pressed !== null) return;
      element.focus({ preventScroll: true });
      element.setPointerCapture(event.pointerId);
      pressed = toolFor(event);
      if (useView.getState().mode === 'sketch' && pressed !== 'hand') hideResults();
      send('down', event);
      look(event);
    },
    pointermove(event: PointerEvent) {
      const events = pressed === null ? [] : (event.getCoalescedEvents?.() ?? []);
      for (const each of events.length > 0 ? events : [event]) send('move', each);
      look(event);
    },
    pointerup(event: PointerEvent) {
      send('up', event);
      pressed = null;
      look(event);
    },
    pointercancel(event: PointerEvent) {
      send('cancel', event);
      pressed = null;
    },
    pointerleave() {
      hover(null, 'default');
      delete element.dataset['pointer'];
    },
    wheel(event: WheelEvent) {
      event.preventDefault();
      if (event.ctrlKey || event.metaKey) zoomBy(Math.exp(-event.deltaY * WHEEL_ZOOM), locate(event));
      else panBy(event.shiftKey ? -event.deltaY : -event.deltaX, event.shiftKey ? 0 : -event.deltaY);
    },
    contextmenu: (event: Event) => event.preventDefault(),
  };
  const keys = (event: KeyboardEvent) => {
    if (event.code === 'Space' && (event.target === element || event.target === document.body)) {
      spaceHeld = event.type === 'keydown';
      event.preventDefault();
    }
    if (event.key === 'Escape' && pressed !== null && event.type === 'keydown') {
      const point = { x: 0, y: 0 };
      for (const effect of tools[pressed].handle(
        { type: 'cancel', point, pressure: 0, shift: false, alt: false },
        context(),
      ))
        enact(effect, show);
      pressed = null;
    }
  };
  const listening = Object.entries(handlers) as [keyof HTMLElementEventMap, (event: never) => void][];
  for (const [type, handler] of listening)
    element.addEventListener(type, handler as EventListener, { passive: false });
  window.addEventListener('keydown', keys);
  window.addEventListener('keyup', keys);
  return () => {
    for (const [type, handler] of listening) element.removeEventListener(type, handler as EventListener);
    window.removeEventListener('keydown', keys);
    window.removeEventListener('keyup', keys);
  };
}

function enact(effect: Effect, show: (effect: Effect) => void): void {
  if (effect.do === 'act') perform(effect.action, effect.gesture ?? null);
  else if (effect.do === 'end gesture') finishGesture();
  else if (effect.do === 'pan') panBy(effect.x, effect.y);
  else show(effect);
}
