/** The result of parsing emphasis: pieces of text in order, each with one weight. */

export interface WeightedText {
  readonly text: string;
  /** 1 = as written. Finite. */
  readonly weight: number;
}

/** Whose rules turn "(word:1.2)" into weights and weights into conditioning (the request's `emphasis`). */
export type Emphasis = 'comfy' | 'a1111';

/** Weights beyond this are a slip of the keyboard; the bound keeps every product finite. */
const WEIGHT_LIMIT = 1e9;

/** Brackets nested deeper than this stay text, which bounds the work on a prompt made of nothing but brackets. */
export const MAX_DEPTH = 100;

/** The nearest weight within ±WEIGHT_LIMIT. */
export function clampWeight(weight: number): number {
  return Math.min(Math.max(weight, -WEIGHT_LIMIT), WEIGHT_LIMIT);
}

const DECIMAL = /^[+-]?(\d+(_\d+)*\.?(\d+(_\d+)*)?|\.\d+(_\d+)*)(e[+-]?\d+)?$/i;

/** A finite decimal number as Python's float() reads it, or undefined. */
export function parseNumber(text: string): number | undefined {
  const trimmed = text.trim();
  if (!DECIMAL.test(trimmed)) return undefined;
  const value = Number(trimmed.replaceAll('_', ''));
  return Number.isFinite(value) ? value : undefined;
}
