/** Pictures of the wall that are selected to be worked on together; beside the one that is chosen to be looked at. */
import { create } from 'zustand';
import { useHistory } from './history.ts';

interface SelectionState {
  readonly ids: ReadonlySet<number>;
  /** Place on the wall from which a range is drawn. */
  readonly anchor: number | null;
}

const NOTHING: SelectionState = { ids: new Set(), anchor: null };

export const useSelection = create<SelectionState>(() => NOTHING);

export const clearSelection = (): void => useSelection.setState(NOTHING);

/** Takes one picture in, or out again. */
export function toggleSelected(id: number, place: number): void {
  const ids = new Set(useSelection.getState().ids);
  if (!ids.delete(id)) ids.add(id);
  useSelection.setState({ ids, anchor: place });
}

/** Selects everything from the picture that was taken in last to this one. */
export function selectTo(place: number): void {
  const { ids, anchor } = useSelection.getState();
  const { pictures } = useHistory.getState();
  const from = anchor ?? place;
  const next = new Set(ids);
  for (let at = Math.min(from, place); at <= Math.max(from, place); at++) {
    const picture = pictures.get(at);
    if (picture !== undefined) next.add(picture.id);
  }
  useSelection.setState({ ids: next, anchor: from });
}

/** What is meant by doing something with one picture: the whole selection where it belongs to it, else itself. */
export function meantBy(id: number): number[] {
  const { ids } = useSelection.getState();
  return ids.has(id) ? [...ids] : [id];
}

// Another look at the history is another wall: what was selected may no longer be on it.
useHistory.subscribe(({ filter }, before) => {
  if (filter !== before.filter) clearSelection();
});
