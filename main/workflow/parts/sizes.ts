/** Sizes in ComfyUI's way, and how large anything in a workflow may become. */
import { badInput } from '../../engine/failures.ts';
import { MAX_PIXELS } from '../../images/codec.ts';
import type { Region } from '../../images/compose.ts';

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

/** ComfyUI's "center" crop before resizing: the largest middle part with the proportions of width × height. */
export function centreCut(oldWidth: number, oldHeight: number, width: number, height: number): Region {
  const [oldAspect, aspect] = [oldWidth / oldHeight, width / height];
  const x = oldAspect > aspect ? roundHalfEven((oldWidth - oldWidth * (aspect / oldAspect)) / 2) : 0;
  const y = oldAspect < aspect ? roundHalfEven((oldHeight - oldHeight * (oldAspect / aspect)) / 2) : 0;
  return {
    x: Math.min(x, (oldWidth - 1) >> 1),
    y: Math.min(y, (oldHeight - 1) >> 1),
    width: Math.max(1, oldWidth - 2 * x),
    height: Math.max(1, oldHeight - 2 * y),
  };
}

/** Python's round. */
export function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
