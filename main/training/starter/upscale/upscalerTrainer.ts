/** Trains the ×4 upscaler: scenes drawn at 128 and at 512 pixels, squares of 32 against the same squares of 128. */
import * as ops from '../../../../native-models/graph/ops.ts';
import { input, type Value } from '../../../../native-models/graph/value.ts';
import type { Scope } from '../../../../native-models/layers/scope.ts';
import { esrgan } from '../../../../native-models/models/esrgan.ts';
import { recordParameters } from '../../../../native-models/models/parameters.ts';
import type { ParameterSet } from '../../parameters.ts';
import { sceneAt } from '../../world/dataset.ts';
import { drawScene, type Pixels, type Style } from '../../world/draw.ts';
import { drawAll, writeSquare } from '../data/pictures.ts';
import { gaussian, type InitialRules, initialise, rectified } from '../loop/initialise.ts';
import type { TrainOptions } from '../loop/loop.ts';
import { trainLoop } from '../loop/loop.ts';
import { rng } from '../loop/normals.ts';
import { createStep } from '../loop/step.ts';
import { optimised } from '../loop/update.ts';
import { PICTURE_SIZE, STARTER_UPSCALER } from '../models.ts';
import { measureUpscaler } from './upscalerModel.ts';

const BATCH = 16;
/** Pixels a side of a square before enlarging. */
const SIDE = 32;
/** Scenes drawn, at both sizes. */
const POOL = 768;
const { scale } = STARTER_UPSCALER;

/**
 * Slopes of PReLU start at a quarter (torch). With torch's own start the picture fades away on its way through eight
 * layers and nothing was learnt in 180 steps. The last convolution starts small, so that the first answer is the
 * enlarged picture.
 */
const START: InitialRules = [
  [/^body\.(\d*[13579])\.weight$/, (values) => values.fill(0.25)],
  [new RegExp(`^body\\.${2 * STARTER_UPSCALER.convs + 2}\\.weight$`), gaussian(0.005)],
  [/^body\.\d+\.weight$/, rectified],
];

/** The trained upscaler; resumes what was begun. */
export async function trainUpscaler({ folder, threads = 0, seconds }: TrainOptions): Promise<ParameterSet> {
  const shapes = recordParameters((scope) => {
    esrgan(scope, STARTER_UPSCALER, input('image', 'float32', ['batch', 3, 'height', 'width']));
  });
  const upscaler = initialise(shapes, START, 4);
  const step = await createStep(upscalerLoss, { parameters: upscaler, threads });
  const pool = await drawAll(POOL, drawPair);
  const small = new Float32Array(BATCH * 3 * SIDE ** 2);
  const large = new Float32Array(small.length * scale ** 2);
  const lossOf = (index: number): Promise<number> => {
    const random = rng('upscaler', index);
    for (let item = 0; item < BATCH; item++) {
      const pair = random.pick(pool);
      const corner = (): number => Math.floor(random.next() * (PICTURE_SIZE - SIDE + 1));
      const [left, top] = [corner(), corner()];
      writeSquare(pair.small, { left, top, side: SIDE }, small, item * 3 * SIDE ** 2);
      const wide = { left: left * scale, top: top * scale, side: SIDE * scale };
      writeSquare(pair.large, wide, large, item * 3 * (SIDE * scale) ** 2);
    }
    return step.run({ small, large });
  };
  const onSave = async (): Promise<void> => {
    const { psnr, bicubic } = await measureUpscaler(upscaler, 16);
    console.log(`  held-out PSNR ${psnr.toFixed(2)} dB, bicubic ${bicubic.toFixed(2)} dB`);
  };
  await trainLoop(
    { ...optimised(upscaler, step.gradients), lossOf, onSave },
    {
      path: `${folder}/upscaler`,
      steps: 3000,
      ...(seconds && { seconds }),
      peak: 1e-3,
      curve: 'cosine',
      warmupSteps: 100,
    },
  );
  await step.release();
  return upscaler;
}

/** L1 + MSE in −1…1; the network itself works in 0–1. Inputs: small [16, 3, 32, 32], large [16, 3, 128, 128]. */
function upscalerLoss(scope: Scope): Value {
  const small = input('small', 'float32', [BATCH, 3, SIDE, SIDE]);
  const large = input('large', 'float32', [BATCH, 3, SIDE * scale, SIDE * scale]);
  const unit = (x: Value): Value => ops.add(ops.mul(x, 0.5), 0.5);
  const error = ops.sub(esrgan(scope, STARTER_UPSCALER, unit(small)), unit(large));
  const mean = (x: Value): Value => ops.reduceMean(x, [0, 1, 2, 3], false);
  return ops.add(mean(ops.abs(error)), ops.mul(mean(ops.mul(error, error)), 4));
}

/** One scene at both sizes; every tenth is a woodcut. */
async function drawPair(index: number): Promise<{ small: Pixels; large: Pixels }> {
  const scene = sceneAt(index, 'train');
  const style: Style = index % 10 === 3 ? 'woodcut' : 'flat';
  return {
    small: await drawScene(scene, PICTURE_SIZE, style),
    large: await drawScene(scene, PICTURE_SIZE * scale, style),
  };
}
