/**
 * The CLIP vocabulary (openai/CLIP bpe_simple_vocab_16e6): tokens are the bytes, the bytes that end a word, and one for
 * every merge in the order they were learned. Built from the merges alone in some 50 ms, a sixth of what reading the
 * strings takes.
 */
import { MERGE_TABLE } from './mergeTable.ts';

export const START_ID = 49406;
export const END_ID = 49407;
export const VOCABULARY_SIZE = 49408;
/** "," as a word of its own: A1111 prefers to break chunks behind it. */
export const COMMA_ID = 267;

export interface Vocabulary {
  /** The stand-in character of a byte, alone or with the "</w>" that ends a word → id. */
  readonly idOf: ReadonlyMap<string, number>;
  /** Id → token string, in the 256 stand-in characters of its bytes. */
  readonly tokenOf: readonly string[];
  /** `pairKey(left, right)` → id of the merged token. A smaller id was learned earlier and merges first. */
  readonly merges: ReadonlyMap<number, number>;
  /** Stand-in character of each byte value, and back. */
  readonly charOfByte: readonly string[];
  readonly byteOfChar: ReadonlyMap<string, number>;
}

/** One number for a pair of ids (both below 2^16). */
export function pairKey(left: number, right: number): number {
  return left * 65536 + right;
}

let loaded: Vocabulary | undefined;

/** The vocabulary, built on the first call and kept. */
export function clipVocabulary(): Vocabulary {
  loaded ??= buildVocabulary();
  return loaded;
}

function buildVocabulary(): Vocabulary {
  const charOfByte = byteStandIns();
  const byteOfChar = new Map(charOfByte.map((char, byte) => [char, byte]));
  // Those that stand for themselves come first.
  const chars = charOfByte.toSorted((a, b) => a.charCodeAt(0) - b.charCodeAt(0));
  const tokenOf = [...chars, ...chars.map((char) => `${char}</w>`)];
  const idOf = new Map(tokenOf.map((token, id) => [token, id]));
  const merges = new Map<number, number>();
  for (const [left, right] of mergedPairs()) {
    merges.set(pairKey(left, right), tokenOf.length);
    tokenOf.push(tokenOf[left]! + tokenOf[right]!);
  }
  tokenOf.push('<|startoftext|>', '<|endoftext|>');
  return { idOf, tokenOf, merges, charOfByte, byteOfChar };
}

function* mergedPairs(): Iterable<readonly [left: number, right: number]> {
  const bytes = Buffer.from(MERGE_TABLE, 'base64');
  for (let at = 0; at < bytes.length; at += 4) yield [bytes.readUInt16LE(at), bytes.readUInt16LE(at + 2)];
}

/** GPT-2's table: printable Latin-1 bytes stand for themselves, the other 68 take U+0100 and up in order. */
function byteStandIns(): string[] {
  let next = 0x100;
  const printable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
}
