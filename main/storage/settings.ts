/** The user's settings and small values of other services, one JSON value a key. */
import { type Settings, type SettingsPatch, settingsSchema } from '../../preload/settings.ts';
import type { ReadableDb, WritableDb } from './database.ts';

const KEY = 'settings';

/** Settings with defaults for what is missing; a value that no longer fits falls back to its default, alone. */
export function readSettings(db: ReadableDb): Settings {
  const stored = readValue(db, KEY);
  const whole = settingsSchema.safeParse(stored ?? {});
  if (whole.success) return whole.data;
  const kept: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(settingsSchema.shape)) {
    const value = schema.safeParse((stored as Record<string, unknown> | null)?.[key]);
    if (value.success) kept[key] = value.data;
  }
  return settingsSchema.parse(kept);
}

/** Changes the given keys; `window` entries are merged one by one, null removes one. */
export function updateSettings(db: WritableDb, patch: SettingsPatch): Settings {
  return db.transaction(() => {
    const current = readSettings(db);
    const window = Object.entries({ ...current.window, ...patch.window }).filter(
      ([, value]) => value !== null,
    );
    const next = settingsSchema.parse({ ...current, ...patch, window: Object.fromEntries(window) });
    writeValue(db, KEY, next);
    return next;
  });
}

/** The value kept under `key`; null where there is none, or none that can be read. */
export function readValue(db: ReadableDb, key: string): unknown {
  const text = db.value<string>('SELECT value FROM settings WHERE key = ?', key);
  try {
    return text === undefined ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

/** Keeps `value`, plain JSON, under `key`. */
export function writeValue(db: WritableDb, key: string, value: unknown): void {
  db.run('INSERT OR REPLACE INTO settings VALUES (?, ?)', key, JSON.stringify(value));
}
