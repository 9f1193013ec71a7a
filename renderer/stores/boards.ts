/** The boards of the history: named collections that pictures are put on. */
import { create } from 'zustand';
import type { Board } from '../../preload/history.ts';
import { choosePicture, reloadHistory, setFilter, useHistory } from './history.ts';
import { attempt } from './notices.ts';
import { onEvent, studio } from './studio.ts';

interface BoardsState {
  readonly boards: readonly Board[];
  /** The pictures that the board now being named is for; null while none is named. */
  readonly namingFor: readonly number[] | null;
}

export const useBoards = create<BoardsState>(() => ({ boards: [], namingFor: null }));

export async function loadBoards(): Promise<void> {
  const boards = await attempt(() => studio().history.boards());
  if (boards === undefined) return;
  useBoards.setState({ boards });
  const { boardId } = useHistory.getState().filter;
  if (boardId !== undefined && !boards.some(({ id }) => id === boardId)) setFilter({ boardId: undefined });
}

/** Asks for the name of a new board, which these pictures are then put on. */
export const nameBoardFor = (ids: readonly number[]): void => useBoards.setState({ namingFor: ids });
export const stopNaming = (): void => useBoards.setState({ namingFor: null });

let pending: ReturnType<typeof setTimeout> | undefined;
/** Counts and covers follow the pictures, many changes at once being one reload. */
function loadSoon(): void {
  clearTimeout(pending);
  pending = setTimeout(() => void loadBoards(), 200);
}

onEvent((event) => {
  if (event.type === 'pictures-changed' && useBoards.getState().boards.length > 0) loadSoon();
  if (event.type !== 'boards-changed') return;
  void loadBoards();
  const { filter, chosen } = useHistory.getState();
  if (filter.boardId !== undefined) void reloadHistory();
  if (chosen !== null) void choosePicture(chosen.id);
});
