/** What devices ran out of memory with, kept over a restart: they are not asked for as much again for a while. */
import type { DeviceName, EngineSettings } from '../engine/protocol.ts';
import type { ReadableDb, WritableDb } from '../storage/database.ts';
import { readValue, writeValue } from '../storage/settings.ts';

const KEY = 'device limits';
/** Another program may have held the memory then: after a week it is tried again. */
const KEPT_MS = 7 * 24 * 3600 * 1000;

type Kept = Partial<Record<DeviceName, { readonly bytes: number; readonly time: number }>>;

/** Bytes by device, as `EngineSettings.limits`. */
export function readLimits(db: ReadableDb, now: number): NonNullable<EngineSettings['limits']> {
  const kept = Object.entries((readValue(db, KEY) ?? {}) as Kept);
  return Object.fromEntries(
    kept.filter(([, { time }]) => now - time < KEPT_MS).map(([device, { bytes }]) => [device, bytes]),
  );
}

export function rememberLimit(db: WritableDb, device: DeviceName, bytes: number, now: number): void {
  writeValue(db, KEY, { ...((readValue(db, KEY) ?? {}) as Kept), [device]: { bytes, time: now } });
}
