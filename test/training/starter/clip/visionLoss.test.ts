/** The image encoder's last stage: the right prompt among all, beside the batch's captions. */
import { beforeAll, describe, expect, it } from 'vitest';
import { view } from '../../../../main/training/parameters.ts';
import {
  CLIP_START,
  clipLoss,
  clipPairParameters,
  TRAINED_TOKENS,
  visionLoss,
} from '../../../../main/training/starter/clip/clipLoss.ts';
import { type EmbeddedPrompts, embeddedPrompts } from '../../../../main/training/starter/clip/prompts.ts';
import { captionTokens } from '../../../../main/training/starter/data/captionTokens.ts';
import { initialise } from '../../../../main/training/starter/loop/initialise.ts';
import { createStep, type Feeds } from '../../../../main/training/starter/loop/step.ts';
import { PICTURE_SIZE, STARTER_TEXT, STARTER_VISION } from '../../../../main/training/starter/models.ts';
import { sceneAt } from '../../../../main/training/world/dataset.ts';
import { allCombinations, type Scene } from '../../../../main/training/world/scene.ts';

const CONFIG = { text: STARTER_TEXT, vision: STARTER_VISION };
const BATCH = 2;
const pair = initialise(clipPairParameters(CONFIG), CLIP_START, 3);
const feeds = {
  image: Float32Array.from({ length: BATCH * 3 * PICTURE_SIZE ** 2 }, (_, i) => Math.sin(i / 91)),
  tokenIds: captionTokens(['a red boat', 'a blue car by day'], TRAINED_TOKENS),
};
const scenes = (count: number): Scene[] => {
  const all = Array.from({ length: 200 }, (_, index) => sceneAt(index, 'any'));
  return all.filter(({ objects }) => objects.length === count).slice(0, BATCH);
};
let prompts: EmbeddedPrompts;
beforeAll(async () => {
  prompts = await embeddedPrompts(pair);
});

async function lossOf(build: Parameters<typeof createStep>[0], data: Feeds): Promise<number> {
  const step = await createStep(build, { parameters: pair, threads: 1 });
  const loss = await step.run(data);
  await step.release();
  return loss;
}
const withWanted = (wanted: Float32Array<ArrayBuffer>): Promise<number> =>
  lossOf((scope) => visionLoss(scope, CONFIG, BATCH, prompts.embeddings), { ...feeds, wanted });

describe('the prompts of all combinations', () => {
  it('are unit vectors, and a scene with one object has exactly one of them', () => {
    const [count, width] = [allCombinations().length, prompts.embeddings.length / allCombinations().length];
    expect(Math.hypot(...prompts.embeddings.subarray(0, width))).toBeCloseTo(1, 4);
    const wanted = prompts.wanted(scenes(1));
    for (let row = 0; row < BATCH; row++)
      expect(wanted.subarray(row * count, (row + 1) * count).filter(Boolean)).toHaveLength(1);
    expect(prompts.wanted(scenes(2)).some(Boolean)).toBe(false);
  });
});

describe('the loss of the last stage', () => {
  it('is half that of the captions where no picture has a prompt', async () => {
    const captions = await lossOf((scope) => clipLoss(scope, CONFIG, BATCH), feeds);
    expect(await withWanted(prompts.wanted(scenes(2)))).toBeCloseTo(captions / 2, 4);
  });

  it('adds about ln(prompts) per picture before anything is learnt', async () => {
    view(pair, 'logit_scale').fill(0); // e⁰: all prompts nearly alike
    const added =
      (await withWanted(prompts.wanted(scenes(1)))) - (await withWanted(prompts.wanted(scenes(2))));
    expect(Math.abs(added - Math.log(allCombinations().length))).toBeLessThan(1);
  });
});
