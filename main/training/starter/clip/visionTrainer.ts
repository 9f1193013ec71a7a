/** Goes on training the image encoder alone against the frozen text encoder, so that the judge sees kinds well. */
import type { Value } from '../../../../native-models/graph/value.ts';
import type { Scope } from '../../../../native-models/layers/scope.ts';
import type { ParameterSet } from '../../parameters.ts';
import { drawPictures } from '../data/pictureFile.ts';
import { soften } from '../data/soften.ts';
import type { TrainOptions } from '../loop/loop.ts';
import { trainLoop } from '../loop/loop.ts';
import { chosen, replaced } from '../loop/parameterSets.ts';
import { createStep } from '../loop/step.ts';
import { kept, loadParameters, saveParameters } from '../loop/store.ts';
import { optimised } from '../loop/update.ts';
import { clipLoss, visionLoss } from './clipLoss.ts';
import { type ClipFeedOptions, clipFeeds, judgeReport, PAIR, PAIR_BATCH } from './clipTrainer.ts';
import { embeddedPrompts } from './prompts.ts';

const IMAGE_SIDE = /^(vision_model|visual_projection|logit_scale)/;

interface Stage {
  /** Names log and state. */
  readonly name: string;
  /** File of the drawn pictures. */
  readonly pictures: string;
  readonly steps: number;
  readonly averageDecay: number;
  /** Number of the first batch: earlier trainings have seen those before it. */
  readonly firstBatch: number;
  readonly loss: (scope: Scope) => Value;
  readonly feeds: ClipFeedOptions;
}

/** The pair with the better image encoder, in `clip-final.safetensors`; resumes what was begun. */
export async function trainVision(options: TrainOptions): Promise<void> {
  const { folder } = options;
  const better = await kept(`${folder}/clip-vision.safetensors`, () =>
    trainStage(loadParameters(`${folder}/clip.safetensors`), AMONG_BATCH, options),
  );
  await drawPictures(`${folder}/pictures-any.u8`, JUDGED_PICTURES, 'any');
  await trainStage(better, await amongPrompts(better), options, (pair) =>
    saveParameters(`${folder}/clip-final.safetensors`, pair),
  );
}

/** Every picture finds its caption among those of the batch. */
const AMONG_BATCH: Stage = {
  name: 'vision',
  pictures: 'pictures.u8',
  steps: 1200,
  averageDecay: 0.99,
  firstBatch: 100_000,
  loss: (scope) => clipLoss(scope, PAIR, PAIR_BATCH),
  feeds: { change: soften },
};

/** Pictures of all combinations, drawn for the last stage. */
const JUDGED_PICTURES = 12_288;

/**
 * Also among the prompts of all combinations, so that every wrong kind, colour, ground and sky is there to be told apart
 * in every step; on pictures of all combinations, for the judge has to know those that the painter never saw. (On those of
 * training alone it named 98 % of the kinds in combinations it had seen and 95 % in others.) The text encoder is frozen:
 * nothing of this reaches the U-Net.
 */
async function amongPrompts(pair: ParameterSet): Promise<Stage> {
  const { embeddings, wanted } = await embeddedPrompts(pair);
  return {
    name: 'vision-2',
    pictures: 'pictures-any.u8',
    steps: 800,
    averageDecay: 0.995,
    firstBatch: 200_000,
    loss: (scope) => visionLoss(scope, PAIR, PAIR_BATCH, embeddings),
    feeds: { split: 'any', change: soften, more: (scenes) => ({ wanted: wanted(scenes) }) },
  };
}

async function trainStage(
  pair: ParameterSet,
  stage: Stage,
  { folder, threads = 0, seconds }: TrainOptions,
  keep: (pair: ParameterSet) => Promise<void> = async () => undefined,
): Promise<ParameterSet> {
  const parameters = chosen(pair, (name) => IMAGE_SIDE.test(name));
  const frozen = chosen(pair, (name) => !IMAGE_SIDE.test(name));
  const step = await createStep(stage.loss, { parameters, frozen, threads });
  const feeds = clipFeeds(`${folder}/${stage.pictures}`, stage.feeds);
  const model = optimised(parameters, step.gradients, { averageDecay: stage.averageDecay });
  const best = (): ParameterSet => replaced(pair, model.state.average!);
  const onSave = async (): Promise<void> => {
    console.log(`  ${await judgeReport(best())}`);
    await keep(best());
  };
  const lossOf = (index: number): Promise<number> => step.run(feeds(stage.firstBatch + index));
  const plan = { path: `${folder}/${stage.name}`, steps: stage.steps, ...(seconds && { seconds }) };
  await trainLoop({ ...model, lossOf, onSave }, { ...plan, peak: 1e-3, curve: 'cosine', warmupSteps: 30 });
  await step.release();
  return best();
}
