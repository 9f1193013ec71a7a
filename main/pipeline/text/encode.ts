/** Prompt → what the U-Net reads: tokens, chunks, text encoder, weights, one after the other. */
import type { ClipTextConfig } from '../../../native-models/models/configs.ts';
import type { TextEncoding, TextInput, TokenVector } from '../model.ts';
import { type Tensor, tensor } from '../tensor.ts';
import { VOCABULARY_SIZE } from './bpe/vocabulary.ts';
import { type Chunk, packChunk, splitChunks } from './chunks.ts';
import { type Embedding, type EmbeddingTable, embeddingTable } from './embeddings.ts';
import { applyWeights } from './emphasis.ts';
import type { Emphasis } from './prompt/weightedText.ts';
import type { TextModel } from './textModel.ts';
import { groupTokens } from './tokenGroups.ts';

export interface EncodeOptions {
  readonly emphasis: Emphasis;
  /** 1 = last layer; encoders that never use their last layer (SD 2, SDXL) take their own default where it is deeper. */
  readonly clipSkip: number;
  readonly embeddings: readonly Embedding[];
}

/** Embedding [1, 77·chunks, D] and, where an encoder gives one, pooled [1, P]. */
export interface PromptEncoding extends TextEncoding {
  /** One sentence per part of the prompt that could not be used. */
  readonly problems: readonly string[];
}

/**
 * Encodes a prompt without LoRA tags. Two encoders (SDXL) are joined along the features, cut to the shorter of their
 * contexts; the pooled vector is the last encoder's, of the first chunk.
 */
export async function encodePrompt(
  models: readonly TextModel[],
  prompt: string,
  options: EncodeOptions,
): Promise<PromptEncoding> {
  const encodings: PromptEncoding[] = [];
  for (const model of models) encodings.push(await encodeWith(model, prompt, options));
  const problems = [...new Set(encodings.flatMap((encoding) => encoding.problems))];
  const pooled = encodings.at(-1)?.pooled;
  return {
    embedding: joinFeatures(encodings.map(({ embedding }) => embedding)),
    problems,
    ...(pooled && { pooled }),
  };
}

async function encodeWith(model: TextModel, prompt: string, options: EncodeOptions): Promise<PromptEncoding> {
  const { config } = model;
  requireClipVocabulary(config);
  const { emphasis } = options;
  const table = embeddingTable(options.embeddings, config, prompt);
  const { groups, problems } = groupTokens(prompt, emphasis, table.names);
  const contents = splitChunks(groups, emphasis, config.contextLength - 2);
  const chunks = contents.map((tokens) => packChunk(tokens, config));
  const weights = chunks.map((chunk) => chunk.weights);
  const needsEmpty = emphasis === 'comfy' && weights.flat().some((weight) => weight !== 1);
  const inputs = needsEmpty ? [...chunks, packChunk([], config)] : chunks;

  const clipSkip = Math.max(options.clipSkip, config.defaultClipSkip);
  const encoded = await model.encode({ ...textInput(inputs, table, config), clipSkip });
  const empty = needsEmpty ? rowsOf(encoded.embedding, chunks.length, inputs.length) : undefined;
  const plain = rowsOf(encoded.embedding, 0, chunks.length);
  const embedding = joinChunks(applyWeights(plain, weights, emphasis, empty));
  const pooled = encoded.pooled && rowsOf(encoded.pooled, 0, 1);
  return { embedding, problems: [...table.problems, ...problems], ...(pooled && { pooled }) };
}

function requireClipVocabulary({ vocabSize }: ClipTextConfig): void {
  if (vocabSize >= VOCABULARY_SIZE) return;
  throw new Error(
    `The text encoder knows ${vocabSize} tokens, CLIP's vocabulary has ${VOCABULARY_SIZE}; use a checkpoint with CLIP's vocabulary`,
  );
}

/** Chunks in one piece; ids of embedding vectors become insertions over id 0. */
function textInput(
  chunks: readonly Chunk[],
  { rows }: EmbeddingTable,
  { vocabSize, width }: ClipTextConfig,
): Pick<TextInput, 'tokenIds' | 'insertions'> {
  const insertions = chunks.flatMap(({ tokenIds }, chunk) =>
    Array.from(tokenIds).flatMap((id, position): TokenVector[] => {
      const row = id - vocabSize;
      return rows && row >= 0
        ? [{ chunk, position, vector: rows.data.slice(row * width, (row + 1) * width) }]
        : [];
    }),
  );
  const ids = chunks.flatMap(({ tokenIds }) => Array.from(tokenIds, (id) => (id < vocabSize ? id : 0)));
  return { tokenIds: Int32Array.from(ids), insertions };
}

/** Repeats contexts [1, T, D] to the least common multiple of their lengths, so that they fit one batch; attention gives the same. */
export function toCommonLength(contexts: readonly Tensor[]): Tensor[] {
  const length = contexts.reduce((common, { shape }) => leastCommonMultiple(common, shape[1]!), 1);
  return contexts.map(({ data, shape }) => {
    const result = new Float32Array(length * shape[2]!);
    for (let offset = 0; offset < result.length; offset += data.length) result.set(data, offset);
    return tensor(result, [1, length, shape[2]!]);
  });
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y > 0) [x, y] = [y, x % y];
  return (a / x) * b;
}

/** Rows `from` (inclusive) to `to` of the first axis. */
function rowsOf({ data, shape }: Tensor, from: number, to: number): Tensor {
  const size = data.length / shape[0]!;
  return tensor(data.slice(from * size, to * size), [to - from, ...shape.slice(1)]);
}

/** [N, T, D] → [1, N·T, D]. */
function joinChunks({ data, shape: [n = 0, places = 0, width = 0] }: Tensor): Tensor {
  return tensor(data, [1, n * places, width]);
}

/** Contexts [1, T, D] side by side along D, cut to the shortest T. */
function joinFeatures(contexts: readonly Tensor[]): Tensor {
  if (contexts.length === 1) return contexts[0]!;
  const places = Math.min(...contexts.map(({ shape }) => shape[1]!));
  const width = contexts.reduce((sum, { shape }) => sum + shape[2]!, 0);
  const joined = new Float32Array(places * width);
  let column = 0;
  for (const { data, shape } of contexts) {
    const own = shape[2]!;
    for (let t = 0; t < places; t++) joined.set(data.subarray(t * own, (t + 1) * own), t * width + column);
    column += own;
  }
  return tensor(joined, [1, places, width]);
}
