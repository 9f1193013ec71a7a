/** Captions as the graphs take them: embeddings computed once, or token ids where the text encoder learns along. */
import { sizeEmbedding } from '../../pipeline/sizeEmbedding.ts';
import { type Tensor, tensor } from '../../pipeline/tensor.ts';
import { packChunk, splitChunks } from '../../pipeline/text/chunks.ts';
import { encodePrompt } from '../../pipeline/text/encode.ts';
import { groupTokens } from '../../pipeline/text/tokenGroups.ts';
import type { BaseModel } from './baseModel.ts';
import type { PictureSize } from './buckets.ts';

/** Brackets in a caption are text, not emphasis. */
const PLAIN = 'comfy';

/** What the U-Net is told for a caption. Only the first 75 tokens of a caption count, as in kohya's trainer. */
export interface EncodedCaption {
  /** [1, 77, D] */
  readonly context: Tensor;
  /** SDXL: [1, P]. */
  readonly pooled?: Tensor;
}

/** Encodes every distinct caption, and the empty one that caption drop-out puts in its place. */
export async function encodeCaptions(
  model: BaseModel,
  captions: readonly string[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, EncodedCaption>> {
  const encoded = new Map<string, EncodedCaption>();
  for (const caption of new Set([...captions, ''])) {
    signal?.throwIfAborted();
    const { embedding, pooled } = await encodePrompt(model.textModels, escaped(caption), {
      emphasis: PLAIN,
      clipSkip: 1,
      embeddings: [],
    });
    encoded.set(caption, { context: firstChunk(embedding, model), ...(pooled && { pooled }) });
  }
  return encoded;
}

/** Token ids [77] of a caption's first chunk. */
export function captionTokens(model: BaseModel, caption: string): BigInt64Array {
  const config = model.textModels[0]!.config;
  const { groups } = groupTokens(escaped(caption), PLAIN, []);
  const [first] = splitChunks(groups, PLAIN, config.contextLength - 2);
  return BigInt64Array.from(packChunk(first!, config).tokenIds, BigInt);
}

/** SDXL's vector y: the pooled text, then size, crop and target size of the picture. */
export function sizedVector(pooled: Tensor, { width, height }: PictureSize): Float32Array {
  const sizes = sizeEmbedding([height, width, 0, 0, height, width]);
  return Float32Array.from([...pooled.data, ...sizes]);
}

function escaped(caption: string): string {
  return caption.replace(/[()]/g, '\\$&');
}

function firstChunk({ data, shape: [, , width = 0] }: Tensor, { textModels }: BaseModel): Tensor {
  const tokens = Math.min(...textModels.map(({ config }) => config.contextLength));
  return tensor(data.slice(0, tokens * width), [1, tokens, width]);
}
