/** The library's cards, as the panels choose from them. */
import { create } from 'zustand';
import type { Download, ModelCard, ModelFolder, ModelType, ScanProgress } from '../../preload/models.ts';
import type { ModelRef } from '../../preload/request.ts';
import { attempt } from './notices.ts';
import { onEvent, studio } from './studio.ts';

interface ModelsState {
  readonly cards: readonly ModelCard[];
  readonly folders: readonly ModelFolder[];
  readonly downloads: readonly Download[];
  readonly scan: ScanProgress | null;
  readonly loaded: boolean;
}

export const useModels = create<ModelsState>(() => ({
  cards: [],
  folders: [],
  downloads: [],
  scan: null,
  loaded: false,
}));

export async function loadModels(): Promise<void> {
  const [{ items }, folders, downloads] = await Promise.all([
    studio().models.list({ limit: 1000 }),
    studio().models.folders(),
    studio().downloads.list(),
  ]);
  useModels.setState({ cards: items, folders, downloads, loaded: true });
}

/** Usable models of a type, favourites first, then by name. */
export const modelsOfType = (cards: readonly ModelCard[], type: ModelType): ModelCard[] =>
  cards
    .filter((card) => card.type === type && card.state === 'ready')
    .sort((a, b) => Number(b.favourite) - Number(a.favourite) || a.name.localeCompare(b.name));

/** The card of a reference: the same contents, else the same file, else the same name. */
export function cardOf(cards: readonly ModelCard[], ref: ModelRef | null): ModelCard | undefined {
  if (ref === null) return undefined;
  const same = cards.filter((card) => ref.sha256 !== undefined && card.sha256 === ref.sha256);
  return (
    // Of two copies, the one that is meant.
    same.find((card) => card.path === ref.path) ??
    same[0] ??
    cards.find((card) => ref.path !== undefined && card.path === ref.path) ??
    cards.find((card) => card.ref.name === ref.name)
  );
}

onEvent((event) => {
  if (event.type === 'model')
    useModels.setState(({ cards }) => ({
      cards: [...cards.filter(({ id }) => id !== event.model.id), event.model],
    }));
  if (event.type === 'models-changed') void attempt(loadModels);
  if (event.type === 'scan') useModels.setState({ scan: event.scan.phase === 'done' ? null : event.scan });
  if (event.type === 'download')
    useModels.setState(({ downloads }) => ({
      downloads: [event.download, ...downloads.filter(({ id }) => id !== event.download.id)],
    }));
});
