/**
 * Emphasis by A1111's rules: "(x)" multiplies by 1.1, "[x]" divides by 1.1, "(x:w)" multiplies by w, all of them nest;
 * a backslash makes the next bracket plain; BREAK as a word of its own ends a chunk.
 */
import { clampWeight, MAX_DEPTH, parseNumber, type WeightedText } from './weightedText.ts';

const BRACKET_FACTOR = 1.1;

/** The piece that ends a chunk, told from the word "BREAK" by its weight. */
const BREAK_PIECE: WeightedText = { text: 'BREAK', weight: -1 };

/** An escaped bracket, a lone backslash, a bracket, the end of a "(x:w)" group, or plain text. */
const SYNTAX = /\\[()[\]\\]?|[([]|:\s*(?<weight>[+-]?[.\d]+)\s*\)|[)\]]|[^\\()[\]:]+|:/gu;
/** BREAK, not inside a longer word. */
const BREAK = /(?<![\p{L}\p{N}_])BREAK(?![\p{L}\p{N}_])/u;

/** Whether a piece ends a chunk; the word "BREAK" inside a longer text does not. */
export function isBreak(piece: WeightedText): boolean {
  return piece.text === BREAK_PIECE.text && piece.weight === BREAK_PIECE.weight;
}

/** Parses `prompt`; never throws. A bracket that is not closed reaches to the end. There is always a piece. */
export function parseA1111Prompt(prompt: string): WeightedText[] {
  const pieces: { text: string; weight: number }[] = [];
  const round: number[] = []; // for each open "(": how many pieces lie before it
  const square: number[] = [];
  const multiplyFrom = (start: number | undefined, factor: number): void => {
    for (const piece of pieces.slice(start)) piece.weight = clampWeight(piece.weight * factor);
  };

  for (const match of prompt.matchAll(SYNTAX)) {
    const [syntax] = match;
    const weight = parseNumber(match.groups?.['weight'] ?? '');
    if (syntax.startsWith('\\')) pieces.push({ text: syntax.slice(1), weight: 1 });
    else if (syntax === '(' && round.length < MAX_DEPTH) round.push(pieces.length);
    else if (syntax === '[' && square.length < MAX_DEPTH) square.push(pieces.length);
    else if (weight !== undefined && round.length > 0) multiplyFrom(round.pop(), weight);
    else if (syntax === ')' && round.length > 0) multiplyFrom(round.pop(), BRACKET_FACTOR);
    else if (syntax === ']' && square.length > 0) multiplyFrom(square.pop(), 1 / BRACKET_FACTOR);
    else pieces.push(...splitAtBreaks(syntax));
  }
  for (const start of round) multiplyFrom(start, BRACKET_FACTOR);
  for (const start of square) multiplyFrom(start, 1 / BRACKET_FACTOR);
  return mergeEqualWeights(pieces.length > 0 ? pieces : [{ text: '', weight: 1 }]);
}

/** The white space around a BREAK goes with it. */
function splitAtBreaks(text: string): WeightedText[] {
  const parts = text.split(BREAK);
  return parts.flatMap((part, i) => {
    const start = i > 0 ? part.trimStart() : part;
    const piece = { text: i < parts.length - 1 ? start.trimEnd() : start, weight: 1 };
    return i > 0 ? [{ ...BREAK_PIECE }, piece] : [piece];
  });
}

function mergeEqualWeights(pieces: readonly WeightedText[]): WeightedText[] {
  const merged: { text: string; weight: number }[] = [];
  for (const { text, weight } of pieces) {
    const last = merged.at(-1);
    if (last?.weight === weight) last.text += text;
    else merged.push({ text, weight });
  }
  return merged;
}
