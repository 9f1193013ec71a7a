/** The wall of pictures: a query, the pages of it that were looked at, and the picture that is chosen. */
import { create } from 'zustand';
import type { HistoryFacets, HistoryQuery, Picture, PictureDetail } from '../../preload/history.ts';
import { attempt } from './notices.ts';
import { onEvent, studio } from './studio.ts';

export const PAGE = 90;
export type Filter = Pick<
  HistoryQuery,
  'text' | 'models' | 'loras' | 'kinds' | 'minRating' | 'from' | 'to' | 'boardId' | 'deleted' | 'sort'
> & {
  /** Search by meaning instead of by words. */
  readonly meaning: boolean;
};

interface HistoryState {
  readonly filter: Filter;
  readonly total: number;
  /** Sparse: pictures by their place on the wall. */
  readonly pictures: ReadonlyMap<number, Picture>;
  readonly facets: HistoryFacets | null;
  readonly chosen: PictureDetail | null;
  /** Counts answers, so that a late one of an old query is not taken. */
  readonly generation: number;
}

const NO_FILTER: Filter = {
  text: '',
  models: [],
  loras: [],
  kinds: [],
  minRating: 0,
  deleted: false,
  sort: 'newest',
  meaning: false,
};

/** Takes every filter away but the words that are searched. */
export const clearFilter = (): void =>
  setFilter({ ...NO_FILTER, ...NO_LIMITS, text: useHistory.getState().filter.text });
const NO_LIMITS = { from: undefined, to: undefined, boardId: undefined };

export const useHistory = create<HistoryState>(() => ({
  filter: NO_FILTER,
  total: 0,
  pictures: new Map(),
  facets: null,
  chosen: null,
  generation: 0,
}));

const toQuery = ({ meaning, text, ...rest }: Filter, offset: number): Partial<HistoryQuery> => ({
  ...rest,
  ...(meaning && text.trim() !== '' ? { meaning: text } : { text }),
  offset,
  limit: PAGE,
});

const asked = new Set<number>();

/** Loads the page around a place of the wall unless it is there. */
export async function loadPage(index: number): Promise<void> {
  const { filter, generation } = useHistory.getState();
  const offset = Math.floor(index / PAGE) * PAGE;
  if (asked.has(offset)) return;
  asked.add(offset);
  const page = await attempt(() => studio().history.page(toQuery(filter, offset)));
  if (page === undefined || useHistory.getState().generation !== generation) return;
  useHistory.setState(({ pictures }) => {
    const next = new Map(pictures);
    page.items.forEach((picture, i) => {
      next.set(offset + i, picture);
    });
    return { pictures: next, total: page.total };
  });
}

/** Looks at the wall anew; what is shown stays until the answer comes. */
export async function reloadHistory(): Promise<void> {
  asked.clear();
  useHistory.setState(({ generation }) => ({ generation: generation + 1 }));
  const { filter, generation } = useHistory.getState();
  asked.add(0);
  const page = await attempt(() => studio().history.page(toQuery(filter, 0)));
  if (page === undefined || useHistory.getState().generation !== generation) return;
  useHistory.setState({ pictures: new Map(page.items.map((picture, i) => [i, picture])), total: page.total });
  const facets = await attempt(() => studio().history.facets({}));
  if (facets !== undefined) useHistory.setState({ facets });
}

export function setFilter(patch: Partial<Filter>): void {
  useHistory.setState(({ filter }) => ({ filter: { ...filter, ...patch } }));
  void reloadHistory();
}

export const hasFilter = (filter: Filter): boolean =>
  filter.text !== '' ||
  [filter.models, filter.loras, filter.kinds].some((list) => list.length > 0) ||
  [filter.from, filter.to, filter.boardId].some((limit) => limit !== undefined) ||
  filter.minRating > 0 ||
  filter.deleted;

export async function choosePicture(id: number | null): Promise<void> {
  if (id === null) useHistory.setState({ chosen: null });
  else {
    const chosen = await attempt(() => studio().history.get({ id }));
    if (chosen !== undefined) useHistory.setState({ chosen });
  }
}

let pending: ReturnType<typeof setTimeout> | undefined;
/** Many changes at once (a batch, an import) are one reload. */
function reloadSoon(): void {
  clearTimeout(pending);
  pending = setTimeout(() => void reloadHistory(), 150);
}

onEvent((event) => {
  if (event.type === 'picture') reloadSoon();
  if (event.type === 'pictures-changed') {
    reloadSoon();
    const { chosen } = useHistory.getState();
    if (chosen !== null && event.ids.includes(chosen.id)) void choosePicture(chosen.id);
  }
});
