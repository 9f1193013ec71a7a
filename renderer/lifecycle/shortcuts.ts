/** Keys of the whole window. While something is being typed, only combinations with Ctrl or Alt count. */

import { onShellMessage } from '../client.ts';
import { takePath } from '../commands/drop.ts';
import { saveProject } from '../commands/export.ts';
import { generate, stop } from '../commands/generate.ts';
import { accept, discard } from '../commands/results.ts';
import { workArea } from '../document/document.ts';
import { browse, useCandidates } from '../stores/candidates.ts';
import { currentDocument, perform, redoOnce, undoOnce } from '../stores/document.ts';
import {
  currentTarget,
  MODES,
  openDialog,
  SKETCH_TOOLS,
  setBrush,
  setMode,
  setTool,
  showWhole,
  useView,
  zoomBy,
  zoomTo,
} from '../stores/view.ts';
import { TOOL_KEYS, TOOLS } from '../tools/tool.ts';

const painting = (): boolean => ['edit', 'sketch'].includes(useView.getState().mode);
const invert = () =>
  perform({ type: 'mask painted', operation: { kind: 'invert', area: workArea(currentDocument()) } });

/** With Ctrl (or ⌘). */
const COMMANDS: Readonly<Record<string, () => void>> = {
  enter: () => void generate(),
  '.': () => void stop(),
  z: undoOnce,
  'shift+z': redoOnce,
  y: redoOnce,
  l: () => openDialog('library'),
  ',': () => openDialog('settings'),
  s: () => void saveProject(),
  o: () => openDialog('projects'),
  '0': () => showWhole(currentDocument().frame),
  '1': () => zoomTo(1),
  '=': () => zoomBy(1.25),
  '+': () => zoomBy(1.25),
  '-': () => zoomBy(1 / 1.25),
};

/** Alone, on a page with a canvas. */
const KEYS: Readonly<Record<string, () => void>> = {
  i: invert,
  c: () => perform({ type: 'mask cleared' }),
  g: () => useView.setState(({ latentGrid }) => ({ latentGrid: !latentGrid })),
  '[': () => scaleBrush(1 / 1.2),
  ']': () => scaleBrush(1.2),
  q: () => useView.setState(({ maskShown }) => ({ maskShown: !maskShown })),
};

function scaleBrush(factor: number): void {
  const target = currentTarget(useView.getState());
  const { size } = useView.getState().brushes[target];
  setBrush(target, {
    size: Math.min(256, Math.max(1, Math.round(size * factor + (factor > 1 ? 0.5 : -0.5)))),
  });
}

/** While results wait: look through them, take one, leave them. */
function candidateKey(key: string): boolean {
  if (useCandidates.getState().list.length === 0) return false;
  if (key === 'arrowleft') browse(-1);
  else if (key === 'arrowright') browse(1);
  else if (key === 'enter') void accept();
  else if (key === 'backspace' || key === 'delete') void discard();
  else return false;
  return true;
}

const NUDGES: Readonly<Record<string, readonly [number, number]>> = {
  arrowleft: [-1, 0], arrowright: [1, 0], arrowup: [0, -1], arrowdown: [0, 1],
}; // biome-ignore format: one table

/** Arrows move the frame (by 64) or the active layer (by 1, with Shift by 10) while the canvas has the focus. */
function nudge(key: string, shift: boolean): boolean {
  const by = NUDGES[key];
  const { tool } = useView.getState();
  const { frame, layers, activeLayer } = currentDocument();
  if (by === undefined) return false;
  if (tool === 'frame')
    perform(
      { type: 'frame moved', frame: { ...frame, x: frame.x + by[0] * 64, y: frame.y + by[1] * 64 } },
      'nudge frame',
    );
  const layer = layers.find(({ id }) => id === activeLayer);
  const step = shift ? 10 : 1;
  if (tool === 'move' && layer !== undefined)
    perform(
      {
        type: 'layer changed',
        id: layer.id,
        change: { x: layer.x + by[0] * step, y: layer.y + by[1] * step },
      },
      'nudge layer',
    );
  return tool === 'frame' || tool === 'move';
}

/** Moves the focus to the next part of the window: pages, settings, canvas, history, status. */
function nextRegion(back: boolean): boolean {
  const regions = [...document.querySelectorAll<HTMLElement>('header, aside, main, footer')];
  const at = regions.findIndex((region) => region.contains(document.activeElement));
  for (let i = 1; i <= regions.length; i++) {
    const region = regions[(at + (back ? -i : i) + 2 * regions.length) % regions.length];
    const parts = [...(region?.querySelectorAll<HTMLElement>(FOCUSABLE) ?? [])];
    const first = parts.find((part) => part.checkVisibility());
    if (!first) continue;
    first.focus();
    return true;
  }
  return false;
}
const FOCUSABLE =
  '[role=tab][tabindex="0"], [role=application], button:not(:disabled), input:not([hidden]), select, textarea';

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    target.matches('input:not([type=range],[type=checkbox],[type=radio]), textarea, select'));
/** Controls that need Enter, Space or arrows for themselves. */
const isControl = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.matches('button, input, select, summary, a');

function keyed(event: KeyboardEvent): boolean {
  const key = event.key.toLowerCase();
  const { mode, dialog } = useView.getState();
  if (event.altKey && !event.ctrlKey && !event.metaKey) {
    const page = MODES[Number(event.code.replace('Digit', '')) - 1];
    if (page !== undefined) setMode(page);
    return page !== undefined;
  }
  if (event.ctrlKey || event.metaKey) {
    const command = COMMANDS[event.shiftKey ? `shift+${key}` : key];
    const textUndo = (key === 'z' || key === 'y') && isTyping(event.target);
    if (command === undefined || textUndo) return false;
    command();
    return true;
  }
  if (key === 'f6') return nextRegion(event.shiftKey);
  if (dialog !== null || isTyping(event.target)) return false;
  if (key === '?') {
    openDialog('keys');
    return true;
  }
  const tool = TOOLS.find((name) => TOOL_KEYS[name].toLowerCase() === key);
  if (painting() && tool !== undefined && (mode !== 'sketch' || SKETCH_TOOLS.has(tool))) {
    setTool(tool);
    return true;
  }
  const action = KEYS[key];
  if (painting() && action !== undefined) {
    action();
    return true;
  }
  return !isControl(event.target) && (candidateKey(key) || (painting() && nudge(key, event.shiftKey)));
}

/** Starts listening; returns how to stop. */
export function listenToShortcuts(): () => void {
  const listener = (event: KeyboardEvent) => {
    if (!event.defaultPrevented && keyed(event)) event.preventDefault();
  };
  window.addEventListener('keydown', listener);
  onShellMessage((message) => {
    if (message.type === 'command') COMMANDS[message.command]?.();
    else void takePath(message.path);
  });
  return () => window.removeEventListener('keydown', listener);
}
