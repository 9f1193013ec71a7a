/** One broadcaster for everything that changes; each window reads it as a stream of its own. */
import type { StudioEvent } from '../../preload/studio.ts';

export interface Events {
  emit(event: StudioEvent): void;
  /** @returns what ends the subscription. */
  subscribe(listener: (event: StudioEvent) => void): () => void;
  /** Yields from the moment of the call until the signal aborts. */
  stream(signal?: AbortSignal): AsyncGenerator<StudioEvent>;
}

/** A window that reads this slowly gets no more progress, only what changes for good. */
const BACKLOG = 200;
const MAX_BACKLOG = 5000;

/** @param onFailed told what a listener threw: it is the listener's trouble, not that of whoever had something to tell. */
export function createEvents(onFailed: (error: unknown) => void): Events {
  const listeners = new Set<(event: StudioEvent) => void>();
  const subscribe = (listener: (event: StudioEvent) => void) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };
  return {
    emit: (event) => {
      for (const listener of listeners) {
        try {
          listener(event);
        } catch (error) {
          onFailed(error);
        }
      }
    },
    subscribe,
    stream: (signal) => streamOf(subscribe, signal),
  };
}

function streamOf(subscribe: Events['subscribe'], signal?: AbortSignal): AsyncGenerator<StudioEvent> {
  const waiting: StudioEvent[] = [];
  let wake = (): void => undefined;
  const unsubscribe = subscribe((event) => {
    const droppable = event.type === 'progress' || event.type === 'scan' || event.type === 'memory';
    if (waiting.length >= (droppable ? BACKLOG : MAX_BACKLOG)) return;
    waiting.push(event);
    wake();
  });
  signal?.addEventListener('abort', () => wake(), { once: true });
  return (async function* () {
    try {
      while (!signal?.aborted) {
        const event = waiting.shift();
        if (event !== undefined) yield event;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      unsubscribe();
    }
  })();
}
