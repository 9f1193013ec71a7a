/** Shortcuts as settings of an A1111 text, always the ones that were taken: presets may change, a picture may not. */
import type { GenerationRequest } from '../../../preload/request.ts';
import { takenShortcuts } from '../../../preload/shortcuts.ts';
import { numberFrom } from './recall.ts';

const INTERVAL = 'Guidance interval';
const NEGATIVE = 'Negative bound';
const DEEP = 'Deep bound';

/** Nothing for a picture computed in full. */
export function shortcutFields(request: GenerationRequest): [key: string, value: string | number][] {
  const shortcuts = takenShortcuts(request);
  if (!shortcuts) return [];
  const { guidanceInterval, negativeBound, deepBound } = shortcuts;
  return [
    [INTERVAL, `${guidanceInterval.low} to ${guidanceInterval.high}`],
    [NEGATIVE, negativeBound],
    [DEEP, deepBound],
  ];
}

/** The shortcuts a text tells of, unchecked; undefined where it tells of none. */
export function shortcutsFrom(fields: ReadonlyMap<string, string>): object | undefined {
  const [low, high] = (fields.get(INTERVAL) ?? '').split(' to ').map(numberFrom);
  const told = {
    guidanceInterval: low === undefined ? undefined : { low, high },
    negativeBound: numberFrom(fields.get(NEGATIVE)),
    deepBound: numberFrom(fields.get(DEEP)),
  };
  const defined = Object.entries(told).filter(([, value]) => value !== undefined);
  return defined.length === 0 ? undefined : Object.fromEntries(defined);
}
