/** What is done with boards: made, renamed, removed, filled; and pictures dragged onto them. */
import { stopNaming, useBoards } from '../stores/boards.ts';
import { perform } from '../stores/document.ts';
import { setFilter, useHistory } from '../stores/history.ts';
import { attempt } from '../stores/notices.ts';
import { clearSelection, meantBy } from '../stores/selection.ts';
import { studio } from '../stores/studio.ts';

/** Makes the board that is being named and puts its pictures on it. An empty name makes none. */
export async function createNamedBoard(name: string): Promise<void> {
  const ids = useBoards.getState().namingFor ?? [];
  stopNaming();
  if (name.trim() === '') return;
  await attempt(async () => {
    const { id } = await studio().history.createBoard({ name: name.trim() });
    if (ids.length > 0) await put(id, ids);
  });
}

export async function renameBoard(id: number, name: string): Promise<void> {
  if (name.trim() === '') return;
  await attempt(() => studio().history.renameBoard({ id, name: name.trim() }));
}

export const deleteBoard = (id: number): Promise<unknown> =>
  attempt(() => studio().history.deleteBoard({ id }));

export const addToBoard = (boardId: number, ids: readonly number[]): Promise<unknown> =>
  attempt(() => put(boardId, ids));

async function put(boardId: number, ids: readonly number[]): Promise<void> {
  await studio().history.addToBoard({ boardId, ids: [...ids] });
  clearSelection();
}

/** Undo puts them back. */
export function takeOffBoard(boardId: number, ids: readonly number[]): void {
  perform({ type: 'pictures taken off', boardId, ids });
  clearSelection();
}

/** Shows a board alone, or everything again. */
export function showBoard(id: number): void {
  const shown = useHistory.getState().filter.boardId;
  setFilter({ boardId: shown === id ? undefined : id, deleted: false });
}

let dragged: readonly number[] = [];

/** Notes which pictures are dragged by one of them: a drag that the desktop took over comes back as files that do not tell. */
export function startDragging(id: number): void {
  dragged = meantBy(id);
  const over = new AbortController();
  const forget = () => {
    dragged = [];
    over.abort();
  };
  // After those who take the drop; and at the next press, where the desktop told nobody that the drag ended.
  for (const end of ['drop', 'dragend', 'pointerdown'])
    window.addEventListener(end, () => setTimeout(forget), { capture: true, signal: over.signal });
}

/** The pictures that hover or are dropped; empty when something else is. */
export const draggedPictures = (): readonly number[] => dragged;
