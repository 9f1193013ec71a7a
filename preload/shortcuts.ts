/**
 * What a picture may leave out for speed: less work per picture, not less precise work. Each shortcut has a field of its
 * own; a field that a request leaves open follows its `speed`.
 */
import { z } from 'zod';
import type { SPEEDS } from './request.ts';

/** Above every sigma of every model: that of zero terminal SNR begins at 4519. */
const NO_LIMIT = 10_000;
const bound = z.number().min(0).max(1);

export const shortcutsSchema = z.object({
  /** Guidance acts at sigmas from `low` to `high`; elsewhere the negative prompt is not evaluated (Kynkäänniemi et al. 2024). */
  guidanceInterval: z
    .object({ low: z.number().min(0).max(NO_LIMIT), high: z.number().min(0).max(NO_LIMIT) })
    .refine(({ low, high }) => low <= high, 'an interval goes from the lower sigma to the higher'),
  /** Relative error, expected from measured changes, up to which the negative prompt is extrapolated instead; 0 = never. */
  negativeBound: bound,
  /** The same for the deep features of the U-Net (DeepCache, Ma et al. 2023). Above sigma 1 bounds are divided by sigma. */
  deepBound: bound,
});
export type Shortcuts = z.infer<typeof shortcutsSchema>;

type Speed = (typeof SPEEDS)[number];

const ALWAYS = { low: 0, high: NO_LIMIT };

/** What each speed switches on. */
export const SPEED_SHORTCUTS: Readonly<Record<Speed, Shortcuts>> = {
  exact: { guidanceInterval: ALWAYS, negativeBound: 0, deepBound: 0 },
  fast: { guidanceInterval: ALWAYS, negativeBound: 0, deepBound: 0.08 },
  draft: { guidanceInterval: { low: 0.15, high: NO_LIMIT }, negativeBound: 0.1, deepBound: 0.3 },
};

/** The part of a request that decides on shortcuts. */
interface Choice {
  readonly speed: Speed;
  readonly shortcuts?: { readonly [Key in keyof Shortcuts]?: Shortcuts[Key] | undefined } | undefined;
}

/** The shortcuts that a request takes. */
export function shortcutsOf({ speed, shortcuts = {} }: Choice): Shortcuts {
  const own = Object.entries(shortcuts).filter(([, value]) => value !== undefined);
  return { ...SPEED_SHORTCUTS[speed], ...Object.fromEntries(own) };
}

/** All shortcuts of a request, to be recorded with its picture; undefined where it is exact and takes none. */
export function takenShortcuts(request: Choice): Shortcuts | undefined {
  const shortcuts = shortcutsOf(request);
  return request.speed === 'exact' && takesNone(shortcuts) ? undefined : shortcuts;
}

function takesNone({ guidanceInterval: { low, high }, negativeBound, deepBound }: Shortcuts): boolean {
  return low === 0 && high === NO_LIMIT && negativeBound === 0 && deepBound === 0;
}
