/** Undo as inverse deltas: one gesture is one entry, and the list has no end. */
import { applyPatches, type Patch } from 'immer';
import { type Action, type ActionType, applyAction } from './actions.ts';
import type { StudioDocument } from './document.ts';

export interface Entry {
  /** Names the entry in the undo menu; the window translates it. */
  readonly label: ActionType;
  readonly forward: readonly Patch[];
  readonly backward: readonly Patch[];
}

export interface Timeline {
  readonly document: StudioDocument;
  /** Done entries are those before `cursor`; the others wait for redo. */
  readonly entries: readonly Entry[];
  readonly cursor: number;
  /** While a gesture goes on, further actions join its entry; null between gestures. */
  readonly gesture: string | null;
}

export const startTimeline = (
  document: StudioDocument,
  entries: readonly Entry[] = [],
  cursor = entries.length,
): Timeline => ({ document, entries, cursor, gesture: null });

/** Does an action. With the same gesture as the entry before, it joins that entry; an action without effect leaves no entry. */
export function act(timeline: Timeline, action: Action, gesture: string | null = null): Timeline {
  const { document, forward, backward } = applyAction(timeline.document, action);
  if (forward.length === 0) return gesture === timeline.gesture ? timeline : { ...timeline, gesture };
  const done = timeline.entries.slice(0, timeline.cursor);
  const last = done.at(-1);
  const joins = gesture !== null && gesture === timeline.gesture && last !== undefined;
  const entry: Entry = joins
    ? { label: last.label, ...joined(last, forward, backward) }
    : { label: action.type, forward, backward };
  const entries = joins ? [...done.slice(0, -1), entry] : [...done, entry];
  return { document, entries, cursor: entries.length, gesture };
}

/**
 * Fills something in without an entry of its own: undo passes it over, and the last entry that was done brings it when
 * it is done again. Where there is none, the document alone has it.
 */
export function amend(timeline: Timeline, action: Action): Timeline {
  const { document, forward } = applyAction(timeline.document, action);
  const last = timeline.entries[timeline.cursor - 1];
  if (forward.length === 0) return timeline;
  if (last === undefined) return { ...timeline, document };
  const amended: Entry = { label: last.label, ...joined(last, forward, []) };
  return { ...timeline, document, entries: timeline.entries.with(timeline.cursor - 1, amended) };
}

/** Patches of a gesture replace earlier patches of the same place, so that dragging a slider leaves one of each. */
function joined(last: Entry, forward: readonly Patch[], backward: readonly Patch[]): Omit<Entry, 'label'> {
  const key = (patch: Patch) => patch.path.join('/');
  const replaces = (patch: Patch) => patch.op === 'replace';
  const again = new Set(forward.filter(replaces).map(key));
  const known = new Set(last.backward.filter(replaces).map(key));
  const keep = last.forward.filter((patch) => !replaces(patch) || !again.has(key(patch)));
  const fresh = backward.filter((patch) => !replaces(patch) || !known.has(key(patch)));
  return { forward: [...keep, ...forward], backward: [...fresh, ...last.backward] };
}

export const endGesture = (timeline: Timeline): Timeline =>
  timeline.gesture === null ? timeline : { ...timeline, gesture: null };

export const canUndo = (timeline: Timeline): boolean => timeline.cursor > 0;
export const canRedo = (timeline: Timeline): boolean => timeline.cursor < timeline.entries.length;

export function undo(timeline: Timeline): Timeline {
  if (!canUndo(timeline)) return timeline;
  const entry = timeline.entries[timeline.cursor - 1]!;
  const document = applyPatches(timeline.document, entry.backward as Patch[]);
  return { ...timeline, document, cursor: timeline.cursor - 1, gesture: null };
}

export function redo(timeline: Timeline): Timeline {
  if (!canRedo(timeline)) return timeline;
  const entry = timeline.entries[timeline.cursor]!;
  const document = applyPatches(timeline.document, entry.forward as Patch[]);
  return { ...timeline, document, cursor: timeline.cursor + 1, gesture: null };
}
