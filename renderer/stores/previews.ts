/** Pictures for models that bring none: the best rated, else the newest that was made with them. */
import { create } from 'zustand';
import type { ModelCard } from '../../preload/models.ts';
import { onEvent, studio } from './studio.ts';

/** By card id: the thumbnail's address, null when the history has none, absent until asked for. */
export const usePreviews = create<{ readonly urls: ReadonlyMap<number, string | null> }>(() => ({
  urls: new Map(),
}));

const set = (id: number, url: string | null): void =>
  usePreviews.setState(({ urls }) => ({ urls: new Map(urls).set(id, url) }));

/** Looks for a picture made with a model; once, until new pictures come. */
export async function findPreview({ id, type, ref }: ModelCard): Promise<void> {
  if (usePreviews.getState().urls.has(id) || (type !== 'checkpoint' && type !== 'lora')) return;
  set(id, null);
  const filter = type === 'checkpoint' ? { models: [ref.name] } : { loras: [ref.name] };
  const { items } = await studio().history.page({ ...filter, sort: 'rating', limit: 1 });
  if (items[0] !== undefined) set(id, items[0].thumbnailUrl);
}

onEvent((event) => {
  if (event.type !== 'picture' && event.type !== 'pictures-changed') return;
  usePreviews.setState(({ urls }) => ({ urls: new Map([...urls].filter(([, url]) => url !== null)) }));
});
