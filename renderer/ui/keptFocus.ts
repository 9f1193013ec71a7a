/** Keeps the focus in a list whose rows move and go: the browser drops it with a row's element. */
import { type RefObject, useLayoutEffect, useRef } from 'react';

/** For the element around the rows; to be used by the component that renders them. */
export function useKeptFocus<Around extends HTMLElement>(): RefObject<Around | null> {
  const around = useRef<Around>(null);
  const rows = () => [...(around.current?.querySelectorAll('li') ?? [])];
  const focused = around.current?.contains(document.activeElement) ? document.activeElement : null;
  const place = rows().findIndex((row) => row.contains(focused));
  useLayoutEffect(() => {
    if (!(focused instanceof HTMLElement) || document.activeElement !== document.body) return;
    // Its own row has moved, or is gone: then the one in its place, else whatever holds the list.
    const left = rows();
    const row = left[Math.min(place, left.length - 1)];
    const next = focused.isConnected ? focused : row?.querySelector<HTMLElement>('button:not(:disabled)');
    (next ?? around.current?.closest<HTMLElement>('[tabindex]'))?.focus();
  });
  return around;
}
