/** Goes on training the decoder alone: the encoder and so the U-Net's latents stay as they are. */
import { copyParameters, createParameters, type ParameterSet } from '../../parameters.ts';
import { writePlanar } from '../../world/dataset.ts';
import { LATENT_VALUES } from '../data/latents.ts';
import { drawAll, mixedPicture } from '../data/pictures.ts';
import type { TrainOptions } from '../loop/loop.ts';
import { trainLoop } from '../loop/loop.ts';
import { normals, rng } from '../loop/normals.ts';
import { createStep } from '../loop/step.ts';
import { loadParameters, saveParameters } from '../loop/store.ts';
import { optimised } from '../loop/update.ts';
import { PICTURE_SIZE, STARTER_VAE } from '../models.ts';
import { decoderLoss } from './vaeLoss.ts';
import { liveEncoder, meansOf, measureVae } from './vaeModel.ts';

const POOL = 4096;
const BATCH = 4;
const PICTURE_VALUES = 3 * PICTURE_SIZE ** 2;
/** Latents are moved by so much: the U-Net's are never quite the encoder's. */
const LATENT_NOISE = 0.05;

/** The autoencoder with the better decoder, in `vae-final.safetensors`; resumes what was begun. */
export async function trainDecoder({ folder, threads = 0, seconds }: TrainOptions): Promise<void> {
  const vae = loadParameters(`${folder}/vae.safetensors`);
  const decoder = decoderOf(vae);
  const { pictures, latents } = await encodedPool(vae);
  const size = PICTURE_SIZE;
  const step = await createStep((scope) => decoderLoss(scope, STARTER_VAE, BATCH, size), {
    parameters: decoder,
    threads,
  });
  const image = new Float32Array(BATCH * PICTURE_VALUES);
  const latent = new Float32Array(BATCH * LATENT_VALUES);
  const lossOf = (index: number): Promise<number> => {
    const random = rng('decoder', index);
    normals(random, latent, LATENT_NOISE);
    for (let item = 0; item < BATCH; item++) {
      const chosen = Math.floor(random.next() * POOL);
      writePlanar(pictures[chosen]!, image, item * PICTURE_VALUES);
      for (let i = 0; i < LATENT_VALUES; i++)
        latent[item * LATENT_VALUES + i]! += latents[chosen * LATENT_VALUES + i]!;
    }
    return step.run({ image, latent });
  };
  const model = optimised(decoder, step.gradients, { weightDecay: 0.001, averageDecay: 0.99 });
  const onSave = async (): Promise<void> => {
    const whole = withDecoder(vae, model.state.average!);
    console.log(`  held-out PSNR ${(await measureVae(whole, 32)).psnr.toFixed(2)} dB`);
    await saveParameters(`${folder}/vae-final.safetensors`, whole);
  };
  const plan = { path: `${folder}/decoder`, steps: 1200, ...(seconds && { seconds }) };
  await trainLoop({ ...model, lossOf, onSave }, { ...plan, peak: 7e-4, curve: 'cosine', warmupSteps: 30 });
  await step.release();
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

const DECODES = /^(decoder|post_quant_conv)\./;

function decoderOf(vae: ParameterSet): ParameterSet {
  const part = createParameters(new Map([...vae.shapes].filter(([name]) => DECODES.test(name))));
  for (const [name, values] of part.views) values.set(vae.views.get(name)!);
  return part;
}

function withDecoder(vae: ParameterSet, decoder: ParameterSet): ParameterSet {
  const whole = copyParameters(vae);
  for (const [name, values] of decoder.views) whole.views.get(name)!.set(values);
  return whole;
}
