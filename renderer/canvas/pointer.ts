/** Pointer, wheel and keys on the canvas: they become tool events; what tools answer is done. React hears nothing of it. */

import { fill } from '../commands/fill.ts';
import { newLayerId } from '../commands/layers.ts';
import { canvasPoint, type ScreenPoint, screenPoint, toCanvas } from '../document/geometry.ts';
import { hideResults } from '../stores/candidates.ts';
import { finishGesture, perform, useDocument } from '../stores/document.ts';
import { currentTarget, isCanvasMode, panBy, useView, zoomBy } from '../stores/view.ts';
import { startTools } from '../tools/registry.ts';
import type { Cursor, Effect, ToolContext, ToolEvent, ToolName } from '../tools/tool.ts';

/** Zoom per wheel pixel with Ctrl held (or a pinch). */
const WHEEL_ZOOM = 0.0022;
/** What a mouse presses with: full width, see document/stroke.ts. */
const MOUSE_PRESSURE = 0.5;

function context(): ToolContext {
  const state = useView.getState();
  const target = currentTarget(state);
  const { document } = useDocument.getState().timeline;
  return { document, view: state.view, brush: state.brushes[target], target, newId: newLayerId };
}

type Show = (effect: Effect) => void;
type Hover = (at: ScreenPoint | null, cursor: Cursor) => void;

/** Attaches the listeners. `show` gets the effects that are drawn, `hover` where the pointer is and how it looks. */
export function listenToPointer(element: HTMLElement, show: Show, hover: Hover): () => void {
  const space = spaceBar(element, () => hand.lookAgain());
  const hand = toolHand(element, space.held, show, hover);
  const handlers = {
    pointerdown(event: PointerEvent) {
      if (event.button > 1 || hand.busy()) return;
      element.focus({ preventScroll: true });
      element.setPointerCapture(event.pointerId);
      hand.take(event);
    },
    pointermove: hand.move,
    pointerup: hand.release,
    pointercancel: hand.drop,
    pointerleave: hand.leave,
    wheel(event: WheelEvent) {
      event.preventDefault();
      if (event.ctrlKey || event.metaKey)
        zoomBy(Math.exp(-event.deltaY * WHEEL_ZOOM), locate(element, event));
      else panBy(event.shiftKey ? -event.deltaY : -event.deltaX, event.shiftKey ? 0 : -event.deltaY);
    },
    contextmenu: (event: Event) => event.preventDefault(),
  };
  const listening = Object.entries(handlers) as [keyof HTMLElementEventMap, EventListener][];
  for (const [type, handler] of listening) element.addEventListener(type, handler, { passive: false });
  window.addEventListener('keydown', hand.key);
  const stopPages = useView.subscribe(({ mode }, before) => {
    if (mode !== before.mode) hand.letGo();
  });
  return () => {
    stopPages();
    space.stop();
    for (const [type, handler] of listening) element.removeEventListener(type, handler);
    window.removeEventListener('keydown', hand.key);
  };
}

/** Where an event is on the stage. */
function locate(element: HTMLElement, event: MouseEvent): ScreenPoint {
  const box = element.getBoundingClientRect();
  return screenPoint(event.clientX - box.left, event.clientY - box.top);
}

/** The tool that a button presses now. */
function toolFor(button: number, spaceHeld: boolean): ToolName {
  const { mode, tool } = useView.getState();
  return spaceHeld || button === 1 || mode === 'create' ? 'hand' : tool;
}

/** The hand that holds a tool: which one is pressed, what it is told, how the pointer looks. */
function toolHand(element: HTMLElement, spaceHeld: () => boolean, show: Show, hover: Hover) {
  const tools = startTools();
  let pressed: ToolName | null = null;
  let told: ToolEvent | null = null;
  let seen: PointerEvent | null = null;

  const tell = (event: ToolEvent) => {
    if (pressed === null) return;
    told = event;
    for (const effect of tools[pressed].handle(event, context())) enact(effect, show);
  };
  const send = (type: ToolEvent['type'], event: PointerEvent | null) => tell(toolEvent(element, type, event));
  const look = (event: PointerEvent) => {
    seen = event;
    const at = locate(element, event);
    const point = toCanvas(at, useView.getState().view);
    element.dataset['pointer'] = `${Math.floor(point.x)},${Math.floor(point.y)}`;
    const cursor = tools[pressed ?? toolFor(0, spaceHeld())].cursor(point, context());
    element.style.cursor = cursor === 'ring' ? 'none' : cursor;
    hover(at, cursor);
  };
  const end = (type: 'up' | 'cancel', event: PointerEvent | null) => {
    send(type, event);
    pressed = null;
    if (event !== null) look(event);
  };

  return {
    busy: () => pressed !== null,
    take(event: PointerEvent): void {
      pressed = toolFor(event.button, spaceHeld());
      if (useView.getState().mode === 'sketch' && pressed !== 'hand') hideResults();
      send('down', event);
      look(event);
    },
    move(event: PointerEvent): void {
      const events = pressed === null ? [] : (event.getCoalescedEvents?.() ?? []);
      for (const each of events.length > 0 ? events : [event]) send('move', each);
      look(event);
    },
    release: (event: PointerEvent) => end('up', event),
    drop: (event: PointerEvent) => end('cancel', event),
    /** What was begun on a page ends where it had come to when another page is opened. */
    letGo(): void {
      if (told !== null) tell({ ...told, type: 'up' });
      pressed = null;
    },
    lookAgain: () => seen !== null && look(seen),
    leave(): void {
      seen = null;
      hover(null, 'default');
      delete element.dataset['pointer'];
    },
    key(event: KeyboardEvent): void {
      if (event.key === 'Escape') end('cancel', null);
    },
  };
}

/** Space makes a hand of every tool while it is held; `changed` is called when it is pressed or released. */
function spaceBar(canvas: HTMLElement, changed: () => void) {
  let held = false;
  const hold = (next: boolean) => {
    held = next;
    changed();
  };
  const press = (event: KeyboardEvent) => {
    if (event.code !== 'Space' || !isCanvasMode(useView.getState().mode)) return;
    if (!leavesSpace(event.target, canvas)) return;
    hold(true);
    event.preventDefault();
  };
  // Pressed on the canvas, it may be released wherever the focus has gone, even outside the window.
  const release = (event: Event) => {
    if (!(event instanceof KeyboardEvent) || event.code === 'Space') hold(false);
  };
  window.addEventListener('keydown', press);
  for (const type of ['keyup', 'blur']) window.addEventListener(type, release);
  return {
    held: () => held,
    stop(): void {
      window.removeEventListener('keydown', press);
      for (const type of ['keyup', 'blur']) window.removeEventListener(type, release);
    },
  };
}

/** True where Space means nothing by itself: on the canvas, and on the page or tool that was chosen just before. */
const leavesSpace = (target: EventTarget | null, canvas: HTMLElement): boolean =>
  target === canvas ||
  target === document.body ||
  (target instanceof HTMLElement && target.matches('[type=radio]:checked, [role=tab][aria-selected=true]'));

function toolEvent(element: HTMLElement, type: ToolEvent['type'], event: PointerEvent | null): ToolEvent {
  if (event === null) return { type, point: canvasPoint(0, 0), pressure: 0, shift: false, alt: false };
  const point = toCanvas(locate(element, event), useView.getState().view);
  const pressure = event.pointerType === 'mouse' || event.pressure === 0 ? MOUSE_PRESSURE : event.pressure;
  return { type, point, pressure, shift: event.shiftKey, alt: event.altKey };
}

function enact(effect: Effect, show: (effect: Effect) => void): void {
  if (effect.do === 'act') perform(effect.action, effect.gesture ?? null);
  else if (effect.do === 'end gesture') finishGesture();
  else if (effect.do === 'pan') panBy(effect.x, effect.y);
  else if (effect.do === 'flood') void fill(effect);
  else show(effect);
}
