/** Groups of tokens → chunks of 75, packed with start, end and padding to the 77 a text encoder takes at once. */
import type { ClipTextConfig } from '../../../native-models/models/configs.ts';
import { COMMA_ID, END_ID, START_ID } from './bpe/vocabulary.ts';
import type { Emphasis } from './prompt/weightedText.ts';
import type { Token, TokenGroup } from './tokenGroups.ts';

/** A token in a chunk. */
export interface WeightedToken extends Token {
  readonly weight: number;
}

/** What the text encoder takes at once, and the weight of each place (1 for start, end and padding). */
export interface Chunk {
  readonly tokenIds: Int32Array<ArrayBuffer>; // [contextLength]
  readonly weights: readonly number[]; // [contextLength]
}

/** ComfyUI moves a group shorter than this to the next chunk as a whole. */
const COMFY_WHOLE_GROUP = 8;
/** A1111 breaks a chunk behind a comma if at most this many tokens follow it. */
const COMMA_BACKTRACK = 20;

/** Shares `groups` out to chunks of at most `capacity` tokens; there is always one chunk. */
export function splitChunks(
  groups: readonly TokenGroup[],
  emphasis: Emphasis,
  capacity: number,
): WeightedToken[][] {
  return emphasis === 'comfy' ? splitComfy(groups, capacity) : splitA1111(groups, capacity);
}

/** A chunk of `tokens` between start and end, padded to the encoder's context length. */
export function packChunk(tokens: readonly WeightedToken[], config: ClipTextConfig): Chunk {
  const tokenIds = new Int32Array(config.contextLength).fill(config.padding === 'end' ? END_ID : 0);
  tokenIds.set([START_ID, ...tokens.map(({ id }) => id), END_ID]);
  const weights = new Array<number>(config.contextLength).fill(1);
  for (const [i, { weight }] of tokens.entries()) weights[i + 1] = weight;
  return { tokenIds, weights };
}

/** Fills chunk after chunk; long groups are cut at the end of a chunk, short ones move on whole. */
function splitComfy(groups: readonly TokenGroup[], capacity: number): WeightedToken[][] {
  const chunks: WeightedToken[][] = [[]];
  for (const { tokens, weight } of groups) {
    const isLong = tokens.length >= COMFY_WHOLE_GROUP;
    let rest = tokens.map((token) => ({ ...token, weight }));
    while (rest.length > 0) {
      const chunk = chunks.at(-1)!;
      const room = capacity - chunk.length;
      const taken = rest.length <= room ? rest.length : isLong ? room : 0;
      chunk.push(...rest.slice(0, taken));
      rest = rest.slice(taken);
      if (rest.length > 0) chunks.push([]);
    }
  }
  return chunks;
}

/**
 * Fills chunk after chunk; at the end of one, the tokens behind its last comma move on, if there are few.
 * An embedding that does not fit opens a new chunk; a break closes the chunk. An empty chunk at the end is dropped.
 */
function splitA1111(groups: readonly TokenGroup[], capacity: number): WeightedToken[][] {
  const chunks: WeightedToken[][] = [];
  let chunk: WeightedToken[] = [];
  let lastComma = -1;
  const close = (): void => {
    chunks.push(chunk);
    chunk = [];
    lastComma = -1;
  };
  const makeRoom = (isComma: boolean): void => {
    if (chunk.length < capacity) return;
    const moves = !isComma && lastComma >= 0 && chunk.length - lastComma <= COMMA_BACKTRACK;
    const moved = moves ? chunk.splice(lastComma + 1) : [];
    close();
    chunk = moved;
  };
  for (const { kind, tokens, weight } of groups) {
    if (kind === 'break') close();
    if (kind === 'embedding') {
      makeRoom(false);
      if (chunk.length > 0 && chunk.length + tokens.length > capacity) close();
    }
    for (const token of tokens) {
      const isComma = token.id === COMMA_ID;
      makeRoom(isComma);
      if (isComma) lastComma = chunk.length;
      chunk.push({ ...token, weight });
    }
  }
  if (chunk.length > 0 || chunks.length === 0) close();
  return chunks;
}
