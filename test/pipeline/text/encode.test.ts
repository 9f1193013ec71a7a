import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { TextEncoding, TextInput } from '../../../main/pipeline/model.ts';
import { tensor } from '../../../main/pipeline/tensor.ts';
import { type EncodeOptions, encodePrompt, toCommonLength } from '../../../main/pipeline/text/encode.ts';
import type { TextModel } from '../../../main/pipeline/text/textModel.ts';
import { CLIP_L, type ClipTextConfig, OPEN_CLIP_BIG_G } from '../../../native-models/models/configs.ts';
import { promptWeights } from '../../conformance/promptWeights.ts';
import { openSharedTextModel } from '../../conformance/sharedTextModel.ts';
import { textualInversion } from '../../conformance/textualInversion.ts';
import { expectClose } from '../../helpers/close.ts';
import { GOLDEN_DIR, goldenCase, goldenTensors, readFloat32 } from '../../helpers/golden.ts';

const OPTIONS: EncodeOptions = { emphasis: 'comfy', clipSkip: 1, embeddings: [] };

/** An encoder whose embedding of a token is its id and its place, and that remembers what it was asked. */
function arithmeticModel(config: ClipTextConfig): TextModel & { readonly inputs: TextInput[] } {
  const inputs: TextInput[] = [];
  const encode = async (input: TextInput): Promise<TextEncoding> => {
    inputs.push(input);
    const chunks = input.tokenIds.length / 77;
    const rows = Array.from(input.tokenIds, (id, i) => [id, i % 77, ...new Array(config.width - 2).fill(0)]);
    const pooled = Float32Array.from({ length: chunks }, (_, chunk) => input.tokenIds[chunk * 77 + 1]!);
    return {
      embedding: tensor(Float32Array.from(rows.flat()), [chunks, 77, config.width]),
      pooled: tensor(pooled, [chunks, 1]),
    };
  };
  return { config, encode, inputs };
}

async function failures(checks: AsyncIterable<{ tensor: string; pass: boolean }>): Promise<string[]> {
  const failed: string[] = [];
  for await (const check of checks) if (!check.pass) failed.push(check.tensor);
  return failed;
}

describe('encodePrompt against the references', () => {
  test('prompt weights of ComfyUI and A1111', async () => {
    expect(await failures(promptWeights(join(GOLDEN_DIR, 'prompt-weights')))).toEqual([]);
  });

  test('textual inversion', async () => {
    expect(await failures(textualInversion(join(GOLDEN_DIR, 'textual-inversion')))).toEqual([]);
  });

  test('the contexts of whole generations', async () => {
    const { prompts } = goldenCase<{ prompts: Record<'pos' | 'neg' | 'long', string> }>('cfg-txt2img-e2e');
    const expected = goldenTensors('cfg-txt2img-e2e', 'io.safetensors');
    const { models, release } = await openSharedTextModel(
      join(GOLDEN_DIR, '_shared', 'sd1-tiny.safetensors'),
    );
    for (const [name, prompt] of Object.entries(prompts)) {
      const { embedding } = await encodePrompt(models, prompt, OPTIONS);
      expectClose(embedding.data, readFloat32(expected, `cond.${name}`), { atol: 2e-4, rtol: 2e-4 });
    }
    const { embedding } = await encodePrompt(models, prompts.pos, { ...OPTIONS, clipSkip: 2 });
    expectClose(embedding.data, readFloat32(expected, 'cond.pos_skip2'), { atol: 2e-4, rtol: 2e-4 });
    await release();
  });
});

describe('encodePrompt', () => {
  const tiny = { ...CLIP_L, width: 2 };

  test('asks for the empty prompt only where a weight needs it', async () => {
    const model = arithmeticModel(tiny);
    await encodePrompt([model], 'a cat', OPTIONS);
    await encodePrompt([model], 'a (cat:1.2)', OPTIONS);
    await encodePrompt([model], 'a (cat:1.2)', { ...OPTIONS, emphasis: 'a1111' });
    expect(model.inputs.map(({ tokenIds }) => tokenIds.length / 77)).toEqual([1, 2, 1]);
  });

  test('joins two encoders along the features, with the pooled vector of the second', async () => {
    const models = [arithmeticModel(tiny), arithmeticModel({ ...OPEN_CLIP_BIG_G, width: 3 })];
    const { embedding, pooled } = await encodePrompt(models, 'cat', OPTIONS);
    expect(embedding.shape).toEqual([1, 77, 5]);
    // Place 3 is padding: end for the first encoder, 0 for the second.
    expect([...embedding.data.slice(15, 20)]).toEqual([49407, 3, 0, 3, 0]);
    expect(pooled).toEqual({ data: Float32Array.of(2368), shape: [1, 1] });
  });

  test('an encoder that never uses its last layer keeps its own clip skip', async () => {
    const models = [arithmeticModel(tiny), arithmeticModel({ ...OPEN_CLIP_BIG_G, width: 3 })];
    await encodePrompt(models, 'cat', OPTIONS);
    await encodePrompt(models, 'cat', { ...OPTIONS, clipSkip: 3 });
    expect(models.map(({ inputs }) => inputs.map(({ clipSkip }) => clipSkip))).toEqual([
      [1, 3],
      [2, 3],
    ]);
  });

  test('puts embedding vectors at their places and reports what is missing', async () => {
    const model = arithmeticModel(tiny);
    const rows = tensor(Float32Array.of(5, 6, 7, 8), [2, 2]);
    const embeddings = [{ name: 'glow', tensors: new Map([['emb_params', rows]]) }];
    const prompt = 'a embedding:glow embedding:gone';
    const { problems } = await encodePrompt([model], prompt, { ...OPTIONS, embeddings });
    expect(model.inputs[0]?.insertions).toEqual([
      { chunk: 0, position: 2, vector: Float32Array.of(5, 6) },
      { chunk: 0, position: 3, vector: Float32Array.of(7, 8) },
    ]);
    expect(problems).toEqual([expect.stringContaining('"gone"')]);
  });

  test('refuses an encoder with another vocabulary', async () => {
    const model = arithmeticModel({ ...tiny, vocabSize: 600 });
    await expect(encodePrompt([model], 'cat', OPTIONS)).rejects.toThrow(/600 tokens.*49408/);
  });
});

describe('toCommonLength', () => {
  test('repeats to the least common multiple', () => {
    const contexts = [2, 3].map((length) =>
      tensor(
        Float32Array.from({ length }, (_, i) => i),
        [1, length, 1],
      ),
    );
    const [two, three] = toCommonLength(contexts);
    expect([...two!.data]).toEqual([0, 1, 0, 1, 0, 1]);
    expect([...three!.data]).toEqual([0, 1, 2, 0, 1, 2]);
    expect(two!.shape).toEqual([1, 6, 1]);
  });
});
