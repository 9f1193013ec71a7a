/**
 * Text → CLIP token ids by byte-pair encoding, and back.
 * Cleans text as the HuggingFace CLIPTokenizer does (NFC, white space, lower case; no HTML entities, no ftfy), since
 * ComfyUI, diffusers and A1111 all stand on it. Sennrich et al. 2016 (BPE), Radford et al. 2021 (CLIP).
 */
import { mergePairs } from './bpe/bytePairs.ts';
import { clipVocabulary, END_ID, START_ID } from './bpe/vocabulary.ts';

/** A word as the tokenizer cuts the cleaned text, with its ids. */
export interface TokenizedWord {
  readonly word: string;
  readonly tokenIds: readonly number[];
}

const SPECIAL_IDS: ReadonlyMap<string, number> = new Map([
  ['<|startoftext|>', START_ID],
  ['<|endoftext|>', END_ID],
]);
/** Special tokens are cut out first; then contractions, letters, single digits, anything else that is not white space. */
const WORD =
  /<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|(?:(?!<\|(?:startoftext|endoftext)\|>)[^\p{White_Space}\p{L}\p{N}])+/gu;

/** Words stay cached between prompts; the bound keeps a session of odd prompts from growing for ever. */
const CACHE_LIMIT = 50_000;
const cache = new Map<string, readonly number[]>();

/** Token ids of `text` without start and end. Any string is accepted; lone surrogates count as U+FFFD. */
export function tokenize(text: string): number[] {
  return tokenizeWords(text).flatMap((word) => word.tokenIds);
}

/** The words of `text` in order, each with its ids. */
export function tokenizeWords(text: string): TokenizedWord[] {
  const words = cleanText(text).match(WORD) ?? [];
  return words.map((word) => ({ word, tokenIds: wordIds(word) }));
}

/** Text of `tokenIds`: words apart by single spaces. Ids outside the vocabulary (spliced embeddings) are left out. */
export function decodeTokens(tokenIds: Iterable<number>): string {
  const { tokenOf, byteOfChar } = clipVocabulary();
  const bytes: number[] = [];
  for (const id of tokenIds) {
    const token = tokenOf[id];
    if (token === undefined) continue;
    const special = id === START_ID || id === END_ID;
    const stem = token.replace(/<\/w>$/, '');
    for (const char of stem) bytes.push(byteOfChar.get(char)!);
    if (special || stem.length < token.length) bytes.push(0x20);
  }
  return new TextDecoder().decode(Uint8Array.from(bytes)).trimEnd();
}

/**
 * NFC, white space to single spaces, lower case per code point. Lower-casing the whole string would make a Greek final
 * sigma, which the reference tokenizer does not.
 */
function cleanText(text: string): string {
  const spaced = text
    .toWellFormed()
    .normalize('NFC')
    .replace(/\p{White_Space}+/gu, ' ');
  return Array.from(spaced, (char) => char.toLowerCase()).join('');
}

function wordIds(word: string): readonly number[] {
  const known = cache.get(word);
  if (known) return known;
  if (cache.size >= CACHE_LIMIT) cache.clear();
  const special = SPECIAL_IDS.get(word);
  const ids = special === undefined ? wordToIds(word) : [special];
  cache.set(word, ids);
  return ids;
}

/** One token per byte, the last one ending the word, then merged. */
function wordToIds(word: string): number[] {
  const { charOfByte, idOf, merges } = clipVocabulary();
  const chars = Array.from(new TextEncoder().encode(word), (byte) => charOfByte[byte]!);
  chars[chars.length - 1] += '</w>';
  return mergePairs(
    chars.map((char) => idOf.get(char)!),
    merges,
  );
}
