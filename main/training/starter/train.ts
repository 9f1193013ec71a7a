/** `npm run starter:train`: trains the starter models from nothing, part by part; finished parts are passed over. */
import { mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { trainClip } from './clip/clipTrainer.ts';
import { trainVision } from './clip/visionTrainer.ts';
import { encodePictures } from './data/latents.ts';
import { drawPictures } from './data/pictureFile.ts';
import { trainControl } from './denoise/controlTrainer.ts';
import { trainUnet } from './denoise/unetTrainer.ts';
import type { TrainOptions } from './loop/loop.ts';
import { kept, loadParameters } from './loop/store.ts';
import { trainLoras } from './loras.ts';
import { publish } from './publish.ts';
import { takeShipped } from './shipped.ts';
import { trainUpscaler } from './upscale/upscalerTrainer.ts';
import { trainDecoder } from './vae/decoderTrainer.ts';
import { trainVae } from './vae/vaeTrainer.ts';

/** States and logs; ignored by git. */
const FOLDER = '.work/starter';
/** Scenes drawn for the CLIP pair and the U-Net. */
const PICTURES = 32_768;

const PARTS: Readonly<Record<string, (options: TrainOptions) => Promise<unknown>>> = {
  pictures: ({ folder }) => drawPictures(`${folder}/pictures.u8`, PICTURES),
  vae: ({ folder, ...rest }) => kept(`${folder}/vae.safetensors`, () => trainVae({ folder, ...rest })),
  clip: ({ folder, ...rest }) => kept(`${folder}/clip.safetensors`, () => trainClip({ folder, ...rest })),
  latents: async ({ folder, threads = 0 }) =>
    encodePictures(
      loadParameters(`${folder}/vae.safetensors`),
      `${folder}/pictures.u8`,
      `${folder}/latents.f32`,
      PICTURES,
      threads,
    ),
  unet: ({ folder, ...rest }) => kept(`${folder}/unet.safetensors`, () => trainUnet({ folder, ...rest })),
  upscaler: ({ folder, ...rest }) =>
    kept(`${folder}/upscaler.safetensors`, () => trainUpscaler({ folder, ...rest })),
  decoder: trainDecoder,
  vision: trainVision,
  control: trainControl,
  publish: ({ folder }) => publish(folder),
  loras: trainLoras,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { threads: { type: 'string' }, minutes: { type: 'string' }, from: { type: 'string' } },
});
mkdirSync(FOLDER, { recursive: true });
if (values.from) await takeShipped(values.from, FOLDER);
for (const name of positionals.length > 0 ? positionals : Object.keys(PARTS)) {
  const part = PARTS[name];
  if (!part) throw new RangeError(`There is no part "${name}"; choose from ${Object.keys(PARTS).join(', ')}`);
  console.log(`${name} …`);
  await part({
    folder: FOLDER,
    threads: Number(values.threads ?? 0),
    ...(values.minutes && { seconds: 60 * Number(values.minutes) }),
  });
}
