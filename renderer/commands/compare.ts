/** Comparing two pictures: a result with what it came from, or any two of the history. */
import { create } from 'zustand';
import type { Picture } from '../../preload/history.ts';
import { attempt } from '../stores/notices.ts';
import { studio } from '../stores/studio.ts';
import { openDialog } from '../stores/view.ts';

export interface Compared {
  readonly url: string;
  readonly name: string;
}

export const useComparison = create<{ readonly pair: readonly [Compared, Compared] | null }>(() => ({
  pair: null,
}));

const compared = ({ url, prompt, seed }: Picture): Compared => ({ url, name: prompt === '' ? seed : prompt });

/** Two ids: these pictures. One id: the picture and the one it was made from, or the one made before it. */
export async function showComparison(ids: readonly number[]): Promise<void> {
  const pair = await attempt(async () => {
    const [first, second] = await Promise.all(ids.slice(0, 2).map((id) => studio().history.get({ id })));
    if (first === undefined) return null;
    if (second !== undefined) return [compared(first), compared(second)] as const;
    const parent = first.parents[0];
    if (parent !== undefined)
      return [compared(await studio().history.get({ id: parent })), compared(first)] as const;
    const request = first.request;
    if (request !== null && 'initImage' in request) {
      const { url } = await studio().images.get({ image: request.initImage });
      return [{ url, name: '' }, compared(first)] as const;
    }
    const { items } = await studio().history.page({ limit: 2 });
    const other = items.find(({ id }) => id !== first.id) ?? first;
    return [compared(other), compared(first)] as const;
  });
  if (!pair) return;
  useComparison.setState({ pair: [...pair] });
  openDialog('compare');
}
