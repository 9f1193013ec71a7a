/** Goes on training the decoder alone: the encoder and so the U-Net's latents stay as they are. */
import type { ParameterSet } from '../../parameters.ts';
import { writePlanar } from '../../world/dataset.ts';
import { LATENT_VALUES } from '../data/latents.ts';
import { drawAll, mixedPicture } from '../data/pictures.ts';
import type { TrainOptions } from '../loop/loop.ts';
import { trainLoop } from '../loop/loop.ts';
import { normals, rng } from '../loop/normals.ts';
import { chosen, replaced } from '../loop/parameterSets.ts';
import { createStep, type Feeds } from '../loop/step.ts';
import { kept, loadParameters, saveParameters } from '../loop/store.ts';
import { optimised } from '../loop/update.ts';
import { PICTURE_SIZE, STARTER_VAE } from '../models.ts';
import { type DecoderTarget, decoderLoss } from './vaeLoss.ts';
import { liveEncoder, meansOf, measureVae } from './vaeModel.ts';

/** The half that is trained. */
const DECODES = /^(decoder|post_quant_conv)\./;
const POOL = 4096;
const BATCH = 4;
const PICTURE_VALUES = 3 * PICTURE_SIZE ** 2;

interface Stage {
  /** Names log and state. */
  readonly name: string;
  readonly target: DecoderTarget;
  readonly steps: number;
  readonly peak: number;
  readonly averageDecay: number;
  /** Latents are moved by so much: the U-Net's are never quite the encoder's. */
  readonly latentNoise: number;
}
/** First edges and colours; then the mean square alone, over a long average, which is what PSNR measures. */
const STAGES: readonly [Stage, Stage] = [
  { name: 'decoder', target: 'pixels', steps: 1200, peak: 7e-4, averageDecay: 0.99, latentNoise: 0.05 },
  { name: 'decoder-2', target: 'psnr', steps: 1600, peak: 7e-4, averageDecay: 0.998, latentNoise: 0.02 },
];

/** The autoencoder with the better decoder, in `vae-final.safetensors`; resumes what was begun. */
export async function trainDecoder(options: TrainOptions): Promise<void> {
  const { folder } = options;
  const [first, second] = STAGES;
  const better = await kept(`${folder}/vae-decoder.safetensors`, () =>
    trainStage(loadParameters(`${folder}/vae.safetensors`), first, options),
  );
  await trainStage(better, second, options, (vae) => saveParameters(`${folder}/vae-final.safetensors`, vae));
}

async function trainStage(
  vae: ParameterSet,
  { name, target, steps, peak, averageDecay, latentNoise }: Stage,
  { folder, threads = 0, seconds }: TrainOptions,
  keep: (vae: ParameterSet) => Promise<void> = async () => undefined,
): Promise<ParameterSet> {
  const decoder = chosen(vae, (name) => DECODES.test(name));
  const step = await createStep(
    (scope) => decoderLoss(scope, STARTER_VAE, { batch: BATCH, size: PICTURE_SIZE, target }),
    { parameters: decoder, threads },
  );
  const model = optimised(decoder, step.gradients, { weightDecay: 0.001, averageDecay });
  const best = (): ParameterSet => replaced(vae, model.state.average!);
  const onSave = async (): Promise<void> => {
    console.log(`  held-out PSNR ${(await measureVae(best(), 32)).psnr.toFixed(2)} dB`);
    await keep(best());
  };
  const feeds = await decoderFeeds(vae, name, latentNoise);
  const plan = { path: `${folder}/${name}`, steps, ...(seconds && { seconds }) };
  await trainLoop(
    { ...model, lossOf: (index) => step.run(feeds(index)), onSave },
    { ...plan, peak, curve: 'cosine', warmupSteps: 30 },
  );
  await step.release();
  return best();
}

/** Batches of pictures with what the encoder makes of them, by step. */
async function decoderFeeds(
  vae: ParameterSet,
  name: string,
  latentNoise: number,
): Promise<(index: number) => Feeds> {
  const { pictures, latents } = await encodedPool(vae);
  const image = new Float32Array(BATCH * PICTURE_VALUES);
  const latent = new Float32Array(BATCH * LATENT_VALUES);
  return (index) => {
    const random = rng(name, index);
    normals(random, latent, latentNoise);
    for (let item = 0; item < BATCH; item++) {
      const chosen = Math.floor(random.next() * POOL);
      writePlanar(pictures[chosen]!, image, item * PICTURE_VALUES);
      for (let i = 0; i < LATENT_VALUES; i++)
        latent[item * LATENT_VALUES + i]! += latents[chosen * LATENT_VALUES + i]!;
    }
    return { image, latent };
  };
}

/** Pictures of every kind with what the encoder makes of them. */
async function encodedPool(
  vae: ParameterSet,
): Promise<{ pictures: Awaited<ReturnType<typeof mixedPicture>>[]; latents: Float32Array }> {
  const pictures = await drawAll(POOL, (index) => mixedPicture(index, PICTURE_SIZE));
  const encoder = await liveEncoder(vae, 32, 1);
  const latents = new Float32Array(POOL * LATENT_VALUES);
  const values = new Float32Array(32 * PICTURE_VALUES);
  for (let first = 0; first < POOL; first += 32) {
    for (let i = 0; i < 32; i++) writePlanar(pictures[first + i]!, values, i * PICTURE_VALUES);
    const { moments } = await encoder.run({ image: { values, shape: [32, 3, PICTURE_SIZE, PICTURE_SIZE] } });
    latents.set(meansOf(moments!, 32), first * LATENT_VALUES);
  }
  await encoder.release();
  return { pictures, latents };
}
