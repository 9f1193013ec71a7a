/** Counting tokens while somebody types: how many, in how many chunks, and where in the text a new chunk begins. */
import { VOCABULARY_SIZE } from './bpe/vocabulary.ts';
import { splitChunks } from './chunks.ts';
import { extractLoraTags } from './prompt/loraTags.ts';
import { promptStages } from './prompt/stages.ts';
import type { Emphasis } from './prompt/weightedText.ts';
import { groupTokens } from './tokenGroups.ts';

/** Tokens of a chunk without start and end. */
export const CHUNK_CAPACITY = 75;

export interface TokenCount {
  /** Tokens of the prompt itself, without start, end and padding. */
  readonly tokens: number;
  readonly chunks: number;
  /** For each chunk after the first, the index in the prompt (UTF-16 units) of the word with which it begins. */
  readonly boundaries: readonly number[];
}

export interface CountOptions {
  readonly emphasis: Emphasis;
  /** The library's embeddings and how many vectors (tokens) each has. */
  readonly embeddings?: readonly { readonly name: string; readonly vectors: number }[];
  /** Prompt editing is counted at its longest stage over this many steps. */
  readonly steps?: number;
}

/** Counts as the encoder will. Words that also stand in a weight or tag before them may shift a boundary forward to there. */
export function countTokens(
  prompt: string,
  { emphasis, embeddings = [], steps = 20 }: CountOptions,
): TokenCount {
  const text = extractLoraTags(prompt).prompt;
  const texts = emphasis === 'a1111' ? promptStages(text, steps).map((stage) => stage.prompt) : [text];
  const names = embeddings.map(({ name, vectors }) => ({
    name,
    // Which ids stand for the vectors does not matter here, only how many there are.
    tokenIds: Array.from({ length: vectors }, (_, i) => VOCABULARY_SIZE + i),
  }));
  const counts = [...new Set(texts)].map((stage) => {
    const chunks = splitChunks(groupTokens(stage, emphasis, names).groups, emphasis, CHUNK_CAPACITY);
    return { tokens: chunks.flat().length, chunks };
  });
  const { tokens, chunks } = counts.reduce((longest, count) =>
    count.tokens > longest.tokens ? count : longest,
  );
  return { tokens, chunks: chunks.length, boundaries: findBoundaries(prompt, chunks) };
}

/** Finds the words of all chunks in `prompt`, one behind the other, and notes where chunks begin. */
function findBoundaries(prompt: string, chunks: readonly (readonly { readonly word: string }[])[]): number[] {
  const haystack = Array.from(prompt, lowerSameLength).join('');
  const boundaries: number[] = [];
  let position = 0;
  for (const chunk of chunks) {
    let start: number | undefined;
    for (const { word } of chunk.filter((token) => token.word !== '')) {
      const found = indexOfWord(haystack, word, position);
      start ??= found < 0 ? position : found;
      if (found >= 0) position = found + word.length;
    }
    boundaries.push(start ?? position);
  }
  return boundaries.slice(1);
}

const LETTERS = /^\p{L}+$/u;
const LETTER = /\p{L}/u;

/** Like indexOf, but letters are not found inside a longer word, except right behind the word before ("'sam" is "'s", "am"). */
function indexOfWord(haystack: string, word: string, position: number): number {
  const isWhole = (start: number): boolean =>
    (start === position || !LETTER.test(haystack[start - 1]!)) &&
    !LETTER.test(haystack[start + word.length] ?? '');
  let found = haystack.indexOf(word, position);
  while (found >= 0 && LETTERS.test(word) && !isWhole(found)) found = haystack.indexOf(word, found + 1);
  return found;
}

/** Lower case where it does not change the number of UTF-16 units, so that indices stay those of the prompt. */
function lowerSameLength(char: string): string {
  const lower = char.toLowerCase();
  return lower.length === char.length ? lower : char;
}
