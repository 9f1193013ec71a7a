/** Goes on training the image encoder alone against the frozen text encoder, so that the judge sees kinds well. */
import { copyParameters, createParameters, type ParameterSet } from '../../parameters.ts';
import { soften } from '../data/soften.ts';
import type { TrainOptions } from '../loop/loop.ts';
import { trainLoop } from '../loop/loop.ts';
import { createStep } from '../loop/step.ts';
import { loadParameters, saveParameters } from '../loop/store.ts';
import { optimised } from '../loop/update.ts';
import { clipLoss } from './clipLoss.ts';
import { clipFeeds, judgeReport, PAIR, PAIR_BATCH } from './clipTrainer.ts';

const IMAGE_SIDE = /^(vision_model|visual_projection|logit_scale)/;

/** The pair with the better image encoder, in `clip-final.safetensors`; resumes what was begun. */
export async function trainVision({ folder, threads = 0, seconds }: TrainOptions): Promise<void> {
  const pair = loadParameters(`${folder}/clip.safetensors`);
  const parameters = part(pair, (name) => IMAGE_SIDE.test(name));
  const frozen = part(pair, (name) => !IMAGE_SIDE.test(name));
  const step = await createStep((scope) => clipLoss(scope, PAIR, PAIR_BATCH), {
    parameters,
    frozen,
    threads,
  });
  const feeds = clipFeeds(`${folder}/pictures.u8`, soften);
  const model = optimised(parameters, step.gradients, { averageDecay: 0.99 });
  const onSave = async (): Promise<void> => {
    const whole = copyParameters(pair);
    for (const [name, values] of model.state.average!.views) whole.views.get(name)!.set(values);
    console.log(`  ${await judgeReport(whole)}`);
    await saveParameters(`${folder}/clip-final.safetensors`, whole);
  };
  // Batches of the pair's own training ended before these numbers.
  const lossOf = (index: number): Promise<number> => step.run(feeds(100_000 + index));
  const plan = { path: `${folder}/vision`, steps: 1200, ...(seconds && { seconds }) };
  await trainLoop({ ...model, lossOf, onSave }, { ...plan, peak: 1e-3, curve: 'cosine', warmupSteps: 30 });
  await step.release();
}

function part({ shapes, views }: ParameterSet, chosen: (name: string) => boolean): ParameterSet {
  const set = createParameters(new Map([...shapes].filter(([name]) => chosen(name))));
  for (const [name, values] of set.views) values.set(views.get(name)!);
  return set;
}
