/**
 * Textual inversion (Gal et al. 2022): learned vectors that stand in a prompt under a name.
 * A file holds them as emb_params (A1111), under the token itself (diffusers), or per encoder as clip_l and clip_g (SDXL).
 */
import type { ClipTextConfig } from '../../../native-models/models/configs.ts';
import type { Tensor } from '../tensor.ts';

/** One embedding file as read: its tensors by name. */
export interface Embedding {
  /** File name without folder and extension. */
  readonly name: string;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** A name that may stand in a prompt, and the ids it becomes: one per vector, all ≥ vocabSize; none if it cannot be used. */
export interface NamedTokens {
  readonly name: string;
  readonly tokenIds: readonly number[];
}

/** The embeddings one prompt mentions, ready for one text encoder. */
export interface EmbeddingTable {
  readonly names: readonly NamedTokens[];
  /** [n, width]: row i is what id vocabSize + i stands for. */
  readonly rows?: Tensor;
  /** One sentence per embedding that cannot be used with this encoder. */
  readonly problems: readonly string[];
}

/** Collects the embeddings that `prompt` mentions; others cost nothing. */
export function embeddingTable(
  embeddings: readonly Embedding[],
  config: ClipTextConfig,
  prompt: string,
): EmbeddingTable {
  const names: NamedTokens[] = [];
  const problems: string[] = [];
  const data: number[] = [];
  const lowerPrompt = prompt.toLowerCase();
  for (const embedding of embeddings.filter(({ name }) => lowerPrompt.includes(name.toLowerCase()))) {
    const rows = embeddingRows(embedding, config);
    const firstId = config.vocabSize + data.length / config.width;
    for (const value of rows?.data ?? []) data.push(value);
    const tokenIds = Array.from({ length: rows?.shape[0] ?? 0 }, (_, i) => firstId + i);
    names.push({ name: embedding.name, tokenIds });
    if (!rows) problems.push(mismatch(embedding, config));
  }
  if (data.length === 0) return { names, problems };
  const rows = { data: Float32Array.from(data), shape: [data.length / config.width, config.width] };
  return { names, problems, rows };
}

/** The [n, width] vectors of `embedding` for the encoder of `config`, or undefined when it has none of that width. */
export function embeddingRows({ tensors }: Embedding, config: ClipTextConfig): Tensor | undefined {
  const perEncoder = [...tensors.keys()].some((key) => /^clip_[lgh]$/.test(key));
  const candidates = perEncoder ? [tensors.get(encoderKey(config))] : [...tensors.values()];
  const found = candidates.find(
    (tensor) => tensor && tensor.shape.length <= 2 && tensor.shape.at(-1) === config.width,
  );
  return found && { data: found.data, shape: [found.data.length / config.width, config.width] };
}

/** The key under which a multi-encoder file keeps its vectors. OpenAI's encoder pads with the end token, OpenCLIP's do not. */
function encoderKey({ padding, normalizeHidden }: ClipTextConfig): string {
  if (padding === 'end') return 'clip_l';
  return normalizeHidden ? 'clip_h' : 'clip_g';
}

function mismatch({ name, tensors }: Embedding, { width }: ClipTextConfig): string {
  const widths = [...new Set([...tensors.values()].map((tensor) => tensor.shape.at(-1)))].join(', ');
  return `Embedding ${name} was left out: its vectors are ${widths} wide and this checkpoint needs ${width}; use one made for this kind of model`;
}
