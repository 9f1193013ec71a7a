import { describe, expect, test } from 'vitest';
import { zeros } from '../../../main/pipeline/tensor.ts';
import { encodeConditioning } from '../../../main/pipeline/text/conditioning.ts';
import type { TextModel } from '../../../main/pipeline/text/textModel.ts';
import { decodeTokens } from '../../../main/pipeline/text/tokenize.ts';
import { CLIP_L } from '../../../native-models/models/configs.ts';

/** An encoder of zeros that lists the texts it was given. */
function listingModel(): TextModel & { readonly texts: string[] } {
  const texts: string[] = [];
  return {
    config: { ...CLIP_L, width: 1 },
    texts,
    encode: async ({ tokenIds }) => {
      texts.push(decodeTokens([...tokenIds].filter((id) => id < 49406)));
      return { embedding: zeros([tokenIds.length / 77, 77, 1]) };
    },
  };
}

describe('encodeConditioning', () => {
  const options = { clipSkip: 1, embeddings: [] };

  test('is one stage without prompt editing, and equal texts are encoded once', async () => {
    const model = listingModel();
    const stages = await encodeConditioning([model], { prompt: 'cat', negativePrompt: 'cat' }, 20, {
      ...options,
      emphasis: 'a1111',
    });
    expect(stages.map(({ endStep }) => endStep)).toEqual([20]);
    expect(stages[0]?.positive).toBe(stages[0]?.negative);
    expect(model.texts).toEqual(['cat']);
  });

  test('changes stage where either prompt does', async () => {
    const model = listingModel();
    const prompts = { prompt: '[cat:dog:0.5]', negativePrompt: '[|blur:3]x' };
    const edited = { prompt: '[cat:dog:0.5]', negativePrompt: '[blur:3]' };
    const stages = await encodeConditioning([model], edited, 10, { ...options, emphasis: 'a1111' });
    expect(stages.map(({ endStep }) => endStep)).toEqual([3, 5, 10]);
    expect(model.texts).toEqual(['cat', '', 'blur', 'dog']);
    const literal = listingModel();
    await encodeConditioning([literal], prompts, 10, { ...options, emphasis: 'comfy' });
    expect(literal.texts[0]).toContain('[ cat');
  });

  test('alternating texts are encoded once each', async () => {
    const model = listingModel();
    const pair = { prompt: '[cat|dog]', negativePrompt: '' };
    const stages = await encodeConditioning([model], pair, 6, { ...options, emphasis: 'a1111' });
    expect(stages).toHaveLength(6);
    expect(stages[0]?.positive).toBe(stages[2]?.positive);
    expect(model.texts).toEqual(['cat', '', 'dog']);
  });
});
