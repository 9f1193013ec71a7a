/** Conformance of emphasis, from prompt to weighted context, by ComfyUI's and A1111's rules (golden case prompt-weights). */
import { join } from 'node:path';
import { packChunk, splitChunks } from '../../main/pipeline/text/chunks.ts';
import { encodePrompt } from '../../main/pipeline/text/encode.ts';
import { parsePrompt } from '../../main/pipeline/text/prompt/parse.ts';
import type { Emphasis, WeightedText } from '../../main/pipeline/text/prompt/weightedText.ts';
import { groupTokens } from '../../main/pipeline/text/tokenGroups.ts';
import { CLIP_L } from '../../native-models/models/configs.ts';
import { openTensors, readCase, readNumbers } from './caseFolder.ts';
import { type Check, checkClose, checkEqual, type Tolerance } from './check.ts';
import { openSharedTextModel } from './sharedTextModel.ts';

type Pieces = readonly (readonly [text: string, weight: number])[];

interface GoldenChunks {
  readonly i: number;
  readonly prompt: string;
  readonly comfyui_chunks: readonly (readonly (readonly [id: number, weight: number])[])[];
  readonly a1111_chunks: readonly {
    readonly tokens: readonly number[];
    readonly multipliers: readonly number[];
  }[];
}

interface WeightsCase {
  readonly parse: readonly { readonly prompt: string; readonly comfyui: Pieces; readonly a1111?: Pieces }[];
  readonly checkpoint: string;
  readonly embeddings: readonly GoldenChunks[];
  readonly tolerance: Tolerance;
}

const TENSORS_FILE = 'io.safetensors';
/** Products of float64 weights (the case's parse_note). */
const WEIGHT_TOLERANCE = { atol: 1e-9 };

export async function* promptWeights(caseDir: string): AsyncIterable<Check> {
  const golden = readCase<WeightsCase>(caseDir);
  for (const { prompt, comfyui, a1111 } of golden.parse) {
    yield checkPieces(`parse.comfy.${prompt}`, parsePrompt(prompt, 'comfy'), comfyui);
    // Where A1111 itself fails there is nothing to compare.
    if (a1111) yield checkPieces(`parse.a1111.${prompt}`, parsePrompt(prompt, 'a1111'), a1111);
  }
  for (const { i, prompt, comfyui_chunks: comfy, a1111_chunks: a1111 } of golden.embeddings) {
    const comfyIds = comfy.flatMap((chunk) => chunk.map(([id]) => id));
    const comfyWeights = comfy.flatMap((chunk) => chunk.map(([, weight]) => weight));
    yield* checkChunks(`${i}.comfy`, prompt, 'comfy', comfyIds, comfyWeights);
    const a1111Ids = a1111.flatMap((chunk) => chunk.tokens);
    yield* checkChunks(
      `${i}.a1111`,
      prompt,
      'a1111',
      a1111Ids,
      a1111.flatMap((chunk) => chunk.multipliers),
    );
  }
  yield* contexts(caseDir, golden);
}

async function* contexts(caseDir: string, golden: WeightsCase): AsyncIterable<Check> {
  const expected = openTensors(caseDir, TENSORS_FILE);
  const { models, release } = await openSharedTextModel(join(caseDir, golden.checkpoint));
  const check = async (
    name: string,
    prompt: string,
    emphasis: Emphasis,
    clipSkip: number,
  ): Promise<Check> => {
    const { embedding } = await encodePrompt(models, prompt, { emphasis, clipSkip, embeddings: [] });
    return checkClose(name, embedding.data, readNumbers(expected, name), golden.tolerance);
  };
  try {
    for (const { i, prompt } of golden.embeddings) {
      yield await check(`${i}.comfy`, prompt, 'comfy', 1);
      yield await check(`${i}.comfy_skip2`, prompt, 'comfy', 2);
      yield await check(`${i}.a1111`, prompt, 'a1111', 1);
    }
    yield await check('empty', '', 'comfy', 1);
  } finally {
    await release();
  }
}

/** The texts must be the same; the error is that of the weights. */
function checkPieces(name: string, actual: readonly WeightedText[], expected: Pieces): Check {
  const sameTexts =
    JSON.stringify(actual.map(({ text }) => text)) === JSON.stringify(expected.map(([text]) => text));
  const weights = sameTexts ? actual.map(({ weight }) => weight) : [Number.NaN];
  const expectedWeights = sameTexts ? expected.map(([, weight]) => weight) : [0];
  return checkClose(JSON.stringify(name), weights, expectedWeights, WEIGHT_TOLERANCE);
}

function* checkChunks(
  name: string,
  prompt: string,
  emphasis: Emphasis,
  ids: readonly number[],
  weights: readonly number[],
): Iterable<Check> {
  const { groups } = groupTokens(prompt, emphasis, []);
  const chunks = splitChunks(groups, emphasis, CLIP_L.contextLength - 2).map((tokens) =>
    packChunk(tokens, CLIP_L),
  );
  yield checkEqual(
    `${name}.ids`,
    chunks.flatMap(({ tokenIds }) => [...tokenIds]),
    ids,
  );
  yield checkClose(
    `${name}.weights`,
    chunks.flatMap((chunk) => chunk.weights),
    weights,
    WEIGHT_TOLERANCE,
  );
}
