/** Sizes in ComfyUI's way, and how large anything in a workflow may become. */
import { badInput } from '../../engine/border/failures.ts';
import { MAX_PIXELS } from '../../images/codec.ts';
import { roundHalfEven } from '../../pipeline/numerics/rounding.ts';

export const MAX_SIDE = 16384;
export const MAX_BATCH = 64;

/** Throws before anything of that size is allocated. */
export function requireSmall(width: number, height: number, batch: number): void {
  if (batch <= MAX_BATCH && width * height * batch <= MAX_PIXELS) return;
  throw badInput(
    `${batch} × ${width}×${height} pixels are more than ${MAX_BATCH} pictures or ${MAX_PIXELS} pixels.`,
    'Choose a smaller size or batch.',
  );
}

/** The size asked for; a side of 0 follows from the other and the old proportions. No side is below `least`. */
export function proportional(
  oldWidth: number,
  oldHeight: number,
  width: number,
  height: number,
  least: number,
): { width: number; height: number } {
  const at = (side: number): number => Math.min(MAX_SIDE, Math.max(least, side));
  if (width === 0)
    return { width: at(roundHalfEven((oldWidth * at(height)) / oldHeight)), height: at(height) };
  if (height === 0)
    return { width: at(width), height: at(roundHalfEven((oldHeight * at(width)) / oldWidth)) };
  return { width: at(width), height: at(height) };
}
