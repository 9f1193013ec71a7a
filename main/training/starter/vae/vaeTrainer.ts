/** Trains the autoencoder: crops, crops, whole pictures; after each stage the latents are whitened. */
import { vaeParameters } from '../../../../native-models/models/parameters.ts';
import type { ParameterSet } from '../../parameters.ts';
import type { Pixels } from '../../world/draw.ts';
import { drawAll, mixedPicture, writeCrop } from '../data/pictures.ts';
import { initialise } from '../loop/initialise.ts';
import { type TrainOptions, trainLoop } from '../loop/loop.ts';
import { normals, rng } from '../loop/normals.ts';
import { createStep } from '../loop/step.ts';
import { optimised } from '../loop/update.ts';
import { PICTURE_SIZE, STARTER_VAE } from '../models.ts';
import { VAE_START, vaeLoss } from './vaeLoss.ts';
import { measureVae } from './vaeModel.ts';
import { eigen, whiten } from './whiten.ts';

/** Pictures drawn for training; crops of them are cut anew every step. */
const POOL = 4096;
interface Stage {
  readonly side: number;
  readonly batch: number;
  readonly peak: number;
  readonly steps: number;
  /** Share of the whole training time. */
  readonly share: number;
}
const STAGES: readonly Stage[] = [
  { side: 64, batch: 8, peak: 1e-3, steps: 1800, share: 0.36 },
  { side: 64, batch: 8, peak: 1e-3, steps: 1800, share: 0.36 },
  { side: 128, batch: 4, peak: 7e-4, steps: 700, share: 0.28 },
];

/** The trained autoencoder; resumes what was begun. Prints figures as it goes. */
export async function trainVae({ folder, threads = 0, seconds }: TrainOptions): Promise<ParameterSet> {
  const vae = initialise(vaeParameters(STARTER_VAE), VAE_START, 1);
  let pool: Pixels[] | undefined;
  const pictures = async (): Promise<Pixels[]> =>
    (pool ??= await drawAll(POOL, (index) => mixedPicture(index, PICTURE_SIZE)));
  for (const [index, stage] of STAGES.entries()) {
    const path = `${folder}/vae-${index + 1}`;
    await trainStage(vae, stage, {
      path,
      threads,
      pictures,
      ...(seconds && { seconds: seconds * stage.share }),
    });
    await whitenOver(vae);
  }
  return vae;
}

interface StageOptions {
  readonly path: string;
  readonly threads: number;
  readonly seconds?: number;
  readonly pictures: () => Promise<Pixels[]>;
}

async function trainStage(vae: ParameterSet, stage: Stage, options: StageOptions): Promise<void> {
  const { side, batch, peak, steps } = stage;
  const image = new Float32Array(batch * 3 * side * side);
  const noise = new Float32Array((batch * STARTER_VAE.embedDim * side * side) / 64);
  const step = await createStep((scope) => vaeLoss(scope, STARTER_VAE, batch, side), {
    parameters: vae,
    threads: options.threads,
  });
  const lossOf = async (index: number): Promise<number> => {
    const random = rng(options.path.slice(-5), index);
    const pool = await options.pictures();
    for (let item = 0; item < batch; item++)
      writeCrop(random.pick(pool), side, random, image, item * 3 * side * side);
    normals(random, noise);
    return step.run({ image, noise });
  };
  const { path, seconds } = options;
  await trainLoop(
    { ...optimised(vae, step.gradients, { weightDecay: 0.001 }), lossOf, onSave: () => report(vae) },
    { path, steps, ...(seconds && { seconds }), peak, curve: 'cosine', warmupSteps: 50 },
  );
  await step.release();
}

async function report(vae: ParameterSet): Promise<void> {
  const { psnr, statistics } = await measureVae(vae, 32);
  const spread = eigen(statistics.covariance).values.map((value) => value.toFixed(3));
  console.log(`  held-out PSNR ${psnr.toFixed(2)} dB, eigenvalues of the latents ${spread.join(' ')}`);
}

async function whitenOver(vae: ParameterSet): Promise<void> {
  whiten(vae, (await measureVae(vae, 128, 'unseen')).statistics);
}
