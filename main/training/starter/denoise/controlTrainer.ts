/** Trains the ControlNet from line drawings beside the finished, frozen U-Net. */
import { input } from '../../../../native-models/graph/value.ts';
import { controlNet } from '../../../../native-models/models/controlnet.ts';
import { recordParameters } from '../../../../native-models/models/parameters.ts';
import type { ParameterSet } from '../../parameters.ts';
import { denoisingFeeds } from '../data/feeds.ts';
import { readLatents } from '../data/latents.ts';
import { drawHints } from '../data/pictureFile.ts';
import { type InitialRules, initialise, rectified, zeros } from '../loop/initialise.ts';
import type { TrainOptions } from '../loop/loop.ts';
import { trainLoop } from '../loop/loop.ts';
import { parallelModel } from '../loop/parallel.ts';
import { merged, startingWith, underName, withoutName } from '../loop/parameterSets.ts';
import { loadParameters, saveParameters } from '../loop/store.ts';
import { PICTURE_SIZE, STARTER_CONTROL } from '../models.ts';
import { TEXT_PREFIX } from './unetLoss.ts';

const THREADS = 2;
const BATCH = 8;
/** Scenes with a line drawing. */
const SCENES = 8192;
const AREA = PICTURE_SIZE ** 2;

/** The hint's last convolution and all outputs begin silent (Zhang et al. 2023, zero convolutions). */
const START: InitialRules = [
  [/^zero_convs|^middle_block_out/, zeros],
  [new RegExp(`^input_hint_block\\.${2 * STARTER_CONTROL.hintWidths.length}\\.`), zeros],
  // Eight layers of torch's own start would let hardly anything of the hint through.
  [/^input_hint_block\..*weight$/, rectified],
];

/** The trained ControlNet (its moving average); resumes what was begun. Needs the finished U-Net. */
export async function trainControl({ folder, seconds }: TrainOptions): Promise<ParameterSet> {
  const unet = loadParameters(`${folder}/unet.safetensors`);
  const clip = loadParameters(`${folder}/clip.safetensors`);
  const latents = readLatents(`${folder}/latents.f32`);
  const hints = await drawHints(`${folder}/hints.u8`, SCENES);
  const model = await parallelModel({
    loss: 'control',
    threads: THREADS,
    batch: BATCH,
    parameters: underName('control', copyOf(unet)),
    frozen: merged(underName('unet', unet), startingWith(`${TEXT_PREFIX}.`, clip)),
    feeds: denoisingFeeds(() => ({ ...latents, count: Math.min(latents.count, SCENES) }), {
      name: 'control',
      threads: THREADS,
      batch: BATCH,
      more: (scenes) => ({ hint: hintsOf(hints, scenes) }),
    }),
    averageDecay: 0.995,
  });
  const result = (): ParameterSet => withoutName('control', model.average);
  await trainLoop(
    { ...model, onSave: () => saveParameters(`${folder}/control.safetensors`, result()) },
    {
      path: `${folder}/control`,
      steps: 3000,
      ...(seconds && { seconds }),
      peak: 5e-4,
      curve: 'constant-then-linear',
      warmupSteps: 100,
    },
  );
  await model.close();
  return loadParameters(`${folder}/control.safetensors`);
}

/** A ControlNet whose encoder is the U-Net's. */
function copyOf(unet: ParameterSet): ParameterSet {
  const control = initialise(controlParameters(), START, 5);
  for (const [name, values] of control.views) {
    const twin = unet.views.get(name);
    if (twin) values.set(twin);
  }
  return control;
}

function controlParameters(): ReturnType<typeof recordParameters> {
  return recordParameters((scope) => {
    controlNet(scope, STARTER_CONTROL, {
      latent: input('latent', 'float32', ['batch', 4, 'height', 'width']),
      timestep: input('timestep', 'float32', ['batch']),
      context: input('context', 'float32', ['batch', 'tokens', STARTER_CONTROL.contextDim]),
      hint: input('hint', 'float32', ['batch', 3, 'rows', 'columns']),
    });
  });
}

function hintsOf(hints: Uint8Array, scenes: readonly number[]): Float32Array<ArrayBuffer> {
  const out = new Float32Array(scenes.length * AREA);
  for (const [item, scene] of scenes.entries())
    for (let i = 0; i < AREA; i++) out[item * AREA + i] = hints[scene * AREA + i]! / 255;
  return out;
}
