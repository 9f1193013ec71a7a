/** Trains the U-Net on cached latents with the frozen text encoder, judged by the CLIP pair as it goes. */
import { existsSync, writeFileSync } from 'node:fs';
import { unetParameters } from '../../../../native-models/models/parameters.ts';
import type { ParameterSet } from '../../parameters.ts';
import { trainClip } from '../clip/clipTrainer.ts';
import { ATTRIBUTES } from '../clip/judge.ts';
import { denoisingFeeds } from '../data/feeds.ts';
import { pictureGrid } from '../data/grid.ts';
import { readLatents } from '../data/latents.ts';
import { type InitialRules, initialise, zeros } from '../loop/initialise.ts';
import type { TrainOptions } from '../loop/loop.ts';
import { type LoopProgress, trainLoop } from '../loop/loop.ts';
import { parallelModel } from '../loop/parallel.ts';
import { startingWith } from '../loop/parameterSets.ts';
import { kept, loadParameters, saveParameters } from '../loop/store.ts';
import { STARTER_UNET } from '../models.ts';
import { textToImage } from '../proof/paintProofs.ts';
import { trainVae } from '../vae/vaeTrainer.ts';
import type { StarterModels } from './sampling.ts';
import { TEXT_PREFIX } from './unetLoss.ts';

const THREADS = 2;
/** Samples per thread and step. */
const BATCH = 8;
/** Saves between two judgements, and the prompts judged. */
const JUDGE_EVERY = 3;
const JUDGED = 64;

/** LDM's own start: what a block adds to its input is silent at first. */
const UNET_START: InitialRules = [[/(out_layers\.3|proj_out|^out\.2)\.weight$/, zeros]];

/** The trained U-Net (its moving average, the best the judge saw); resumes what was begun. */
export async function trainUnet(options: TrainOptions): Promise<ParameterSet> {
  const { folder, seconds } = options;
  const vae = await kept(`${folder}/vae.safetensors`, () => trainVae(options));
  const clip = await kept(`${folder}/clip.safetensors`, () => trainClip(options));
  let latents = readLatents(`${folder}/latents.f32`);
  const parameters = initialise(unetParameters(STARTER_UNET), UNET_START, 3);
  const model = await parallelModel({
    loss: 'unet',
    threads: THREADS,
    batch: BATCH,
    parameters,
    frozen: startingWith(`${TEXT_PREFIX}.`, clip),
    feeds: denoisingFeeds(() => latents, {
      name: 'unet',
      threads: THREADS,
      batch: BATCH,
    }),
    averageDecay: 0.998,
  });
  const best = bestKeeper(folder, { unet: model.average, vae, clip });
  const onSave = async (progress: LoopProgress): Promise<void> => {
    // Another process may still be encoding pictures.
    latents = readLatents(`${folder}/latents.f32`);
    await best(progress);
  };
  const plan = { path: `${folder}/unet`, steps: 20_000, peak: 1e-3, warmupSteps: 200, saveEvery: 240 };
  await trainLoop(
    { ...model, onSave },
    { ...plan, curve: 'constant-then-linear', ...(seconds && { seconds }) },
  );
  await model.close();
  return loadParameters(`${folder}/unet-best.safetensors`);
}

/** Judges now and then; keeps the average that scored best, and a grid of what it paints. */
function bestKeeper(folder: string, models: StarterModels): (progress: LoopProgress) => Promise<void> {
  let saves = 0;
  let best = 0;
  return async ({ step, done }) => {
    if (saves++ % JUDGE_EVERY !== 0 && !done) return;
    const { figures, grid } = await textToImage(models, JUDGED);
    const path = `${folder}/unet-${String(step).padStart(6, '0')}.webp`;
    writeFileSync(path, await pictureGrid(grid.pictures, grid.columns));
    const mean = ATTRIBUTES.reduce((sum, name) => sum + figures[name]! / ATTRIBUTES.length, 0);
    const text = ATTRIBUTES.map((name) => `${name} ${(100 * figures[name]!).toFixed(0)} %`).join(', ');
    console.log(`  step ${step}: ${text}`);
    if (mean < best && existsSync(`${folder}/unet-best.safetensors`)) return;
    best = mean;
    await saveParameters(`${folder}/unet-best.safetensors`, models.unet);
  };
}
