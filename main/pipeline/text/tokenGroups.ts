/** Weighted text → groups of tokens, with embeddings spliced in under their names. */

import type { NamedTokens } from './embeddings.ts';
import { isBreak } from './prompt/a1111.ts';
import { parsePrompt } from './prompt/parse.ts';
import type { Emphasis, WeightedText } from './prompt/weightedText.ts';
import { tokenize, tokenizeWords } from './tokenize.ts';

export interface Token {
  readonly id: number;
  /** The word that begins with this token, as tokenized; empty for the further tokens of a word. */
  readonly word: string;
}

/** Tokens of one weight. An embedding is never cut between chunks by A1111's rules; a break ends a chunk. */
export interface TokenGroup {
  readonly kind: 'text' | 'embedding' | 'break';
  readonly tokens: readonly Token[];
  readonly weight: number;
}

export interface GroupedPrompt {
  readonly groups: readonly TokenGroup[];
  /** One sentence per name that could not be found. */
  readonly problems: readonly string[];
}

/** Tokenizes `prompt` by the rules of `emphasis`; ComfyUI writes "embedding:name", A1111 the bare name. */
export function groupTokens(
  prompt: string,
  emphasis: Emphasis,
  names: readonly NamedTokens[],
): GroupedPrompt {
  const pieces = parsePrompt(prompt, emphasis);
  if (emphasis === 'comfy') return comfyGroups(pieces, names);
  return { groups: a1111Groups(pieces, names), problems: [] };
}

const COMFY_PREFIX = 'embedding:';

function comfyGroups(pieces: readonly WeightedText[], names: readonly NamedTokens[]): GroupedPrompt {
  const groups: TokenGroup[] = [];
  const problems: string[] = [];
  for (const { text, weight } of pieces) {
    const [first = '', ...rest] = text.split(/[ \n]embedding:/);
    for (const part of [first, ...rest.map((name) => COMFY_PREFIX + name)]) {
      if (!part.startsWith(COMFY_PREFIX)) {
        groups.push(textGroup(part, weight));
        continue;
      }
      const { found, name, leftover } = splitName(part.slice(COMFY_PREFIX.length), names);
      if (found) groups.push(embeddingGroup(found, weight));
      else problems.push(`There is no embedding "${name}"; add it to the library or correct the name`);
      groups.push(textGroup(leftover, weight));
    }
  }
  return { groups: groups.filter((group) => group.tokens.length > 0), problems };
}

/** The name ends at white space; if it is unknown, commas around it belong to the text behind it. */
function splitName(
  text: string,
  names: readonly NamedTokens[],
): { found: NamedTokens | undefined; name: string; leftover: string } {
  const [written = '', ...rest] = text.trim().split(/\s+/);
  const exact = findName(written, names);
  const name = exact ? written : written.replace(/^,+|,+$/g, '');
  return {
    found: exact ?? findName(name, names),
    name,
    leftover: [written.slice(name.length), ...rest].join(' ').trim(),
  };
}

function findName(written: string, names: readonly NamedTokens[]): NamedTokens | undefined {
  const wanted = [written, written.replace(/\.(safetensors|pt|bin)$/i, '')].map((name) => name.toLowerCase());
  return names.find(({ name }) => wanted.includes(name.toLowerCase()));
}

/** A name is found where its tokens stand in the text; of several the one with the most tokens. */
function a1111Groups(pieces: readonly WeightedText[], names: readonly NamedTokens[]): TokenGroup[] {
  const spelled = names
    .filter(({ tokenIds }) => tokenIds.length > 0)
    .map((named) => ({ named, ids: tokenize(named.name) }))
    .filter(({ ids }) => ids.length > 0)
    .sort((a, b) => b.ids.length - a.ids.length);
  const groups: TokenGroup[] = [];
  for (const piece of pieces) {
    if (isBreak(piece)) {
      groups.push({ kind: 'break', tokens: [], weight: 1 });
      continue;
    }
    const tokens = textTokens(piece.text);
    let textStart = 0;
    for (let i = 0; i < tokens.length; ) {
      const match = spelled.find(({ ids }) => ids.every((id, k) => tokens[i + k]?.id === id));
      if (match) {
        groups.push({ kind: 'text', tokens: tokens.slice(textStart, i), weight: piece.weight });
        groups.push(embeddingGroup(match.named, piece.weight));
        textStart = i + match.ids.length;
      }
      i += match?.ids.length ?? 1;
    }
    groups.push({ kind: 'text', tokens: tokens.slice(textStart), weight: piece.weight });
  }
  return groups;
}

function textGroup(text: string, weight: number): TokenGroup {
  return { kind: 'text', tokens: textTokens(text), weight };
}

function embeddingGroup({ name, tokenIds }: NamedTokens, weight: number): TokenGroup {
  return { kind: 'embedding', tokens: wordTokens(name, tokenIds), weight };
}

function textTokens(text: string): Token[] {
  return tokenizeWords(text).flatMap(({ word, tokenIds }) => wordTokens(word, tokenIds));
}

function wordTokens(word: string, tokenIds: readonly number[]): Token[] {
  return tokenIds.map((id, i) => ({ id, word: i === 0 ? word : '' }));
}
