/** What devices ran out of memory with, kept over a restart: they are not asked for as much again for a while. */
import { z } from 'zod';
import type { DeviceName, EngineSettings } from '../engine/border/protocol.ts';
import type { ReadableDb, WritableDb } from '../storage/database.ts';
import { readValue, writeValue } from '../storage/settings.ts';

const KEY = 'device limits';
/** Another program may have held the memory then: after a week it is tried again. */
const KEPT_MS = 7 * 24 * 3600 * 1000;

const keptSchema = z.record(z.string(), z.object({ bytes: z.number(), time: z.number() })).catch({});
const readKept = (db: ReadableDb) => keptSchema.parse(readValue(db, KEY));

/** Bytes by device, as `EngineSettings.limits`. */
export function readLimits(db: ReadableDb, now: number): NonNullable<EngineSettings['limits']> {
  const kept = Object.entries(readKept(db)).filter(([, { time }]) => now - time < KEPT_MS);
  return Object.fromEntries(kept.map(([device, { bytes }]) => [device, bytes]));
}

/** Keeps what `device` ran out of memory with, at the time `now` in ms. */
export function rememberLimit(db: WritableDb, device: DeviceName, bytes: number, now: number): void {
  writeValue(db, KEY, { ...readKept(db), [device]: { bytes, time: now } });
}
