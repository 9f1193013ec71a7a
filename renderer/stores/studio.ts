/** The line to the studio as the other stores see it: one client, replaced when the line had to be opened again. */

import { create } from 'zustand';
import type { StudioClient } from '../../preload/contract.ts';
import type { Settings } from '../../preload/settings.ts';
import type { AppInfo, Devices, StudioEvent } from '../../preload/studio.ts';

export type Line = 'opening' | 'open' | 'lost';

interface StudioState {
  readonly line: Line;
  readonly info: AppInfo | null;
  readonly devices: Devices | null;
  readonly settings: Settings | null;
  /** Bytes; `engine` is what the engine process holds. */
  readonly memory: { readonly total: number; readonly free: number; readonly engine: number } | null;
}

export const useStudio = create<StudioState>(() => ({
  line: 'opening',
  info: null,
  devices: null,
  settings: null,
  memory: null,
}));

let current: StudioClient | null = null;

/** The client of the open line. Calling it before the line is open is a mistake of ours. */
export function studio(): StudioClient {
  if (current === null) throw new Error('The studio is not connected yet.');
  return current;
}

export function setClient(client: StudioClient): void {
  current = client;
}

type Listener = (event: StudioEvent) => void;
const listeners = new Set<Listener>();

/** Hears every event of the studio, over every line; returns how to stop. */
export function onEvent(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function announce(event: StudioEvent): void {
  for (const listener of listeners) listener(event);
}

onEvent((event) => {
  if (event.type === 'settings') useStudio.setState({ settings: event.settings });
  if (event.type === 'memory') useStudio.setState({ memory: event.memory });
});
