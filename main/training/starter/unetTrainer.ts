/** Trains the U-Net on cached latents with the frozen text encoder, judged by the CLIP pair as it goes. */
import { existsSync, writeFileSync } from 'node:fs';
import { unetParameters } from '../../../native-models/models/parameters.ts';
import { betas, cumulativeAlphas } from '../../pipeline/sigmas/alphas.ts';
import { createParameters, type ParameterSet } from '../parameters.ts';
import { canonicalPrompt } from '../world/captions.ts';
import { sceneAt } from '../world/dataset.ts';
import { captionTokens } from './captionTokens.ts';
import { liveTowers, trainClip, wording } from './clipTrainer.ts';
import { gridPng } from './grid.ts';
import { type InitialRules, initialise, zeros } from './initialise.ts';
import { ATTRIBUTES, judge, type Scores } from './judge.ts';
import { encodePictures, LATENT_VALUES, readLatents } from './latents.ts';
import { trainLoop } from './loop.ts';
import { STARTER_TEXT, STARTER_UNET } from './models.ts';
import { normals, rng } from './normals.ts';
import { parallelModel } from './parallel.ts';
import { samplePictures, type StarterModels } from './sampling.ts';
import type { Feeds } from './step.ts';
import { kept, loadParameters, saveParameters } from './store.ts';
import { TEXT_PREFIX } from './unetLoss.ts';
import { type TrainOptions, trainVae } from './vaeTrainer.ts';

const THREADS = 2;
/** Samples per thread and step. */
const BATCH = 8;
/** Scenes seen in training. */
const SCENES = 24_576;
const EMPTY_CAPTIONS = 0.1;
/** Hang et al. 2023: high signal-to-noise ratios count no more than this. */
const MIN_SNR = 5;
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
  await encodePictures(vae, `${folder}/pictures.u8`, `${folder}/latents.f32`, SCENES);
  const parameters = initialise(unetParameters(STARTER_UNET), UNET_START, 3);
  const model = await parallelModel({
    loss: 'unet',
    threads: THREADS,
    batch: BATCH,
    parameters,
    frozen: textHalf(clip),
    feeds: batches(readLatents(`${folder}/latents.f32`)),
    averageDecay: 0.998,
  });
  const best = bestKeeper(folder, { unet: model.average, vae, clip });
  const plan = { path: `${folder}/unet`, steps: 20_000, peak: 1e-3, warmupSteps: 200, saveEvery: 240 };
  await trainLoop(
    { ...model, onSave: best },
    { ...plan, curve: 'constant-then-linear', ...(seconds && { seconds }) },
  );
  await model.close();
  return loadParameters(`${folder}/unet-best.safetensors`);
}

function textHalf({ shapes, views }: ParameterSet): ParameterSet {
  const text = createParameters(new Map([...shapes].filter(([name]) => name.startsWith(`${TEXT_PREFIX}.`))));
  for (const [name, values] of text.views) values.set(views.get(name)!);
  return text;
}

/** Data of one thread's part of a step; timesteps are spread evenly over the whole batch. */
function batches({ values, count }: ReturnType<typeof readLatents>): (step: number, thread: number) => Feeds {
  const alphas = cumulativeAlphas(betas());
  return (step, thread) => {
    const random = rng('unet', step, thread);
    const latent = new Float32Array(BATCH * LATENT_VALUES);
    const noise = new Float32Array(latent.length);
    normals(random, noise);
    const captions: string[] = [];
    const timesteps: number[] = [];
    for (let item = 0; item < BATCH; item++) {
      const scene = Math.floor(random.next() * Math.min(count, SCENES));
      latent.set(values.subarray(scene * LATENT_VALUES, (scene + 1) * LATENT_VALUES), item * LATENT_VALUES);
      captions.push(random.chance(EMPTY_CAPTIONS) ? '' : wording(sceneAt(scene, 'train'), scene, step));
      timesteps.push(Math.floor((1000 * (item * THREADS + thread + random.next())) / (BATCH * THREADS)));
    }
    const per = (value: (alpha: number) => number): Float32Array<ArrayBuffer> =>
      Float32Array.from(timesteps, (timestep) => value(alphas[timestep]!));
    return {
      latent,
      noise,
      tokenIds: captionTokens(captions, STARTER_TEXT.contextLength),
      timestep: Float32Array.from(timesteps),
      signal: per(Math.sqrt),
      deviation: per((alpha) => Math.sqrt(1 - alpha)),
      weight: per((alpha) => Math.min(1, (MIN_SNR * (1 - alpha)) / alpha)),
    };
  };
}

/** Judges now and then; keeps the average that scored best, and a grid of what it paints. */
function bestKeeper(folder: string, models: StarterModels): (progress: { step: number; done: boolean }) => Promise<void> {
  let saves = 0;
  let best = 0;
  return async ({ step, done }) => {
    if (saves++ % JUDGE_EVERY !== 0 && !done) return;
    const { scores, pictures } = await judgeModels(models, JUDGED);
    writeFileSync(`${folder}/unet-${String(step).padStart(6, '0')}.png`, await gridPng(pictures, 8));
    const mean = ATTRIBUTES.reduce((sum, name) => sum + scores[name] / ATTRIBUTES.length, 0);
    const text = ATTRIBUTES.map((name) => `${name} ${(100 * scores[name]).toFixed(0)} %`).join(', ');
    console.log(`  step ${step}: ${text}`);
    if (mean < best && existsSync(`${folder}/unet-best.safetensors`)) return;
    best = mean;
    await saveParameters(`${folder}/unet-best.safetensors`, models.unet);
  };
}

/** Paints `count` prompts whose combinations training never saw, and has them judged. */
export async function judgeModels(
  models: StarterModels,
  count: number,
): Promise<{ scores: Scores; pictures: Float32Array<ArrayBuffer>; prompts: string[] }> {
  const scenes = Array.from({ length: count }, (_, index) => sceneAt(index, 'heldOut'));
  const prompts = scenes.map((scene) => canonicalPrompt(scene));
  const pictures = await samplePictures(models, prompts, { steps: 20, guidanceScale: 4, seed: 1 });
  const towers = await liveTowers(models.clip);
  const scores = await judge(towers, pictures, scenes);
  await Promise.all([towers.image.release(), towers.text.release()]);
  return { scores, pictures, prompts };
}
