/** Conformance of textual-inversion files: where their vectors stand among the tokens, and the context they give. */
import { join, parse } from 'node:path';
import { tensor } from '../../main/pipeline/tensor.ts';
import { packChunk, splitChunks } from '../../main/pipeline/text/chunks.ts';
import { type Embedding, embeddingTable } from '../../main/pipeline/text/embeddings.ts';
import { encodePrompt } from '../../main/pipeline/text/encode.ts';
import { groupTokens } from '../../main/pipeline/text/tokenGroups.ts';
import type { ClipTextConfig } from '../../native-models/models/configs.ts';
import { openSafetensors, readFloat32 } from '../../native-models/weights/safetensors.ts';
import { openTensors, readCase, readNumbers } from './caseFolder.ts';
import { type Check, checkClose, checkEqual, type Tolerance } from './check.ts';
import { openSharedTextModel } from './sharedTextModel.ts';

interface InversionCase {
  readonly checkpoint: string;
  /** File → what it is. */
  readonly embeddings: Readonly<Record<string, string>>;
  readonly prompts: readonly {
    readonly i: number;
    readonly prompt: string;
    /** Per chunk: [token id or "file[row]" or "file.key[row]", weight]. */
    readonly tokens: readonly (readonly (readonly [id: number | string, weight: number])[])[];
  }[];
  readonly tolerance: Tolerance;
}

export async function* textualInversion(caseDir: string): AsyncIterable<Check> {
  const golden = readCase<InversionCase>(caseDir);
  const expected = openTensors(caseDir, 'io.safetensors');
  const embeddings = Object.keys(golden.embeddings).map((file) => readEmbedding(join(caseDir, file)));
  const { models, release } = await openSharedTextModel(join(caseDir, golden.checkpoint));
  try {
    for (const { i, prompt, tokens } of golden.prompts) {
      yield* checkTokens(`${i}`, prompt, embeddings, models[0]!.config, tokens.flat());
      const { embedding } = await encodePrompt(models, prompt, {
        emphasis: 'comfy',
        clipSkip: 1,
        embeddings,
      });
      yield checkClose(`${i}.cond`, embedding.data, readNumbers(expected, `${i}.cond`), golden.tolerance);
    }
  } finally {
    await release();
  }
}

function readEmbedding(path: string): Embedding {
  const file = openSafetensors(path);
  const tensors = [...file.tensors].map(
    ([name, { shape }]) => [name, tensor(readFloat32(file, name), shape)] as const,
  );
  return { name: parse(path).name, tensors: new Map(tensors) };
}

function* checkTokens(
  name: string,
  prompt: string,
  embeddings: readonly Embedding[],
  config: ClipTextConfig,
  expected: readonly (readonly [id: number | string, weight: number])[],
): Iterable<Check> {
  const { names } = embeddingTable(embeddings, config, prompt);
  const idOf = (written: number | string): number => {
    if (typeof written === 'number') return written;
    const { stem, row } = /^(?<stem>.*?)(\.clip_[lgh])?\[(?<row>\d+)\]$/.exec(written)?.groups ?? {};
    return names.find((named) => named.name === stem)?.tokenIds[Number(row)] ?? Number.NaN;
  };
  const { groups } = groupTokens(prompt, 'comfy', names);
  const chunks = splitChunks(groups, 'comfy', config.contextLength - 2).map((part) =>
    packChunk(part, config),
  );
  yield checkEqual(
    `${name}.ids`,
    chunks.flatMap(({ tokenIds }) => [...tokenIds]),
    expected.map(([id]) => idOf(id)),
  );
  yield checkEqual(
    `${name}.weights`,
    chunks.flatMap((chunk) => chunk.weights),
    expected.map(([, weight]) => weight),
  );
}
