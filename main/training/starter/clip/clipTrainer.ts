/** Trains text and image encoder together: each picture must find its caption among 128, and the other way round. */
import { type ParameterSet, view } from '../../parameters.ts';
import { canonicalPrompt } from '../../world/captions.ts';
import { captionAt, type Split, sceneAt } from '../../world/dataset.ts';
import type { Scene } from '../../world/scene.ts';
import { captionTokens } from '../data/captionTokens.ts';
import { openPictures } from '../data/pictureFile.ts';
import { initialise } from '../loop/initialise.ts';
import type { TrainOptions } from '../loop/loop.ts';
import { trainLoop } from '../loop/loop.ts';
import { type Rng, rng } from '../loop/normals.ts';
import { createStep, type Feeds } from '../loop/step.ts';
import { optimised } from '../loop/update.ts';
import { PICTURE_SIZE, STARTER_TEXT, STARTER_VISION } from '../models.ts';
import { CLIP_START, clipLoss, clipPairParameters, TRAINED_TOKENS } from './clipLoss.ts';
import { judgeAccuracy } from './judge.ts';
import { liveTowers } from './towers.ts';

/** Pictures and captions compared at a time. */
export const PAIR_BATCH = 128;
/** Scenes of a group that differ in little. */
const GROUP = 16;
export const PAIR = { text: STARTER_TEXT, vision: STARTER_VISION };
const PICTURE_VALUES = 3 * PICTURE_SIZE ** 2;

/** The trained pair; resumes what was begun. */
export async function trainClip({ folder, threads = 0, seconds }: TrainOptions): Promise<ParameterSet> {
  const pair = initialise(clipPairParameters(PAIR), CLIP_START, 2);
  const step = await createStep((scope) => clipLoss(scope, PAIR, PAIR_BATCH), { parameters: pair, threads });
  const feeds = clipFeeds(`${folder}/pictures.u8`);
  const onSave = async (): Promise<void> => console.log(`  ${await judgeReport(pair)}`);
  const plan = { path: `${folder}/clip`, steps: 2000, ...(seconds && { seconds }) };
  await trainLoop(
    { ...optimised(pair, step.gradients), lossOf: (index) => step.run(feeds(index)), onSave },
    { ...plan, peak: 1.5e-3, curve: 'linear', warmupSteps: 50 },
  );
  await step.release();
  forgetUnseenWords(pair);
  return pair;
}

export interface ClipFeedOptions {
  /** Whose pictures those in the file are; default 'train'. */
  readonly split?: Split;
  /** Alters a picture before it is seen. */
  readonly change?: (picture: Float32Array, random: Rng) => void;
  /** More data of the chosen scenes. */
  readonly more?: (scenes: readonly Scene[]) => Feeds;
}

/** Pictures and captions of step `index`, from the pictures drawn into `path`. */
export function clipFeeds(
  path: string,
  { split = 'train', change = () => undefined, more = () => ({}) }: ClipFeedOptions = {},
): (index: number) => Feeds {
  const pictures = openPictures(path);
  const sceneOf = Array.from({ length: pictures.count }, (_, index) => sceneAt(index, split));
  const choose = hardBatches(sceneOf);
  const image = new Float32Array(PAIR_BATCH * PICTURE_VALUES);
  return (index) => {
    const chosen = choose(index);
    const random = rng('clip pictures', index);
    for (const [item, picture] of chosen.entries()) {
      pictures.read(picture, image, item * PICTURE_VALUES);
      change(image.subarray(item * PICTURE_VALUES, (item + 1) * PICTURE_VALUES), random);
    }
    const scenes = chosen.map((picture) => sceneOf[picture]!);
    const captions = scenes.map((scene, item) => wording(scene, chosen[item]!, index));
    return { image, tokenIds: captionTokens(captions, TRAINED_TOKENS), ...more(scenes) };
  };
}

/**
 * Which pictures step `index` compares. At random, sky, ground and colour tell 128 pictures apart and the kind is never
 * learnt (59 % after 600 steps); so most batches are made of groups that share all but the kind, or all but the colour.
 */
function hardBatches(scenes: readonly Scene[]): (index: number) => number[] {
  const byKind = grouped(scenes, ({ sky, ground, objects }) => `${sky} ${ground} ${objects[0]?.colour}`);
  const byColour = grouped(scenes, ({ sky, ground, objects }) => `${sky} ${ground} ${objects[0]?.kind}`);
  return (index) => {
    const random = rng('clip', index);
    const anyScene = (): number => Math.floor(random.next() * scenes.length);
    if (index % 4 === 3) return Array.from({ length: PAIR_BATCH }, anyScene);
    const groups = index % 4 === 2 ? byColour : byKind;
    return Array.from({ length: PAIR_BATCH / GROUP }, () => random.pick(groups)).flatMap((group) =>
      Array.from({ length: GROUP }, () => random.pick(group)),
    );
  };
}

/** Numbers of the scenes with one object, in groups of the same key. */
function grouped(scenes: readonly Scene[], key: (scene: Scene) => string): number[][] {
  const single = scenes.flatMap((scene, index) => (scene.objects.length === 1 ? [index] : []));
  return [...Map.groupBy(single, (index) => key(scenes[index]!)).values()];
}

/** Varied wording, and every third time the plain one that people type first. */
export function wording(scene: Scene, index: number, epoch: number): string {
  return (index + epoch) % 3 === 0 ? canonicalPrompt(scene) : captionAt(scene, index, 'flat', epoch);
}

/** Words that no caption used still have random vectors; zeros say nothing, which is what is known of them. */
export function forgetUnseenWords(pair: ParameterSet): void {
  const table = view(pair, 'text_model.embeddings.token_embedding.weight');
  const { width, vocabSize } = STARTER_TEXT;
  const seen = new Set<number>([vocabSize - 1, vocabSize - 2]);
  for (let index = 0; index < 20_000; index++)
    for (const epoch of [0, 1, 2])
      for (const id of captionTokens([wording(sceneAt(index, 'train'), index, epoch)], TRAINED_TOKENS))
        seen.add(Number(id));
  for (let row = 0; row < vocabSize; row++) if (!seen.has(row)) table.fill(0, row * width, (row + 1) * width);
}

/** The judge's own scores, as a line. */
export async function judgeReport(pair: ParameterSet): Promise<string> {
  const scores = await judgeAccuracy(await liveTowers(pair), 200);
  return Object.entries(scores)
    .map(([name, value]) => `${name} ${(100 * value).toFixed(1)} %`)
    .join(', ');
}
