/** The upscaler in use, and how it compares with bicubic enlargement. */
import sharp from 'sharp';
import { input } from '../../../../native-models/graph/value.ts';
import { esrgan } from '../../../../native-models/models/esrgan.ts';
import type { ParameterSet } from '../../parameters.ts';
import { sceneAt, writePlanar } from '../../world/dataset.ts';
import { drawScene, type Pixels } from '../../world/draw.ts';
import { drawAll } from '../data/pictures.ts';
import { type LiveModel, liveModel } from '../loop/model.ts';
import { PICTURE_SIZE, STARTER_UPSCALER } from '../models.ts';
import { meanPsnr } from '../vae/vaeModel.ts';

const { scale } = STARTER_UPSCALER;
const LARGE = PICTURE_SIZE * scale;

/** image [1, 3, h, w] in 0–1 → enlarged [1, 3, 4h, 4w], about 0–1. */
export function liveUpscaler(upscaler: ParameterSet): Promise<LiveModel> {
  const image = input('image', 'float32', ['batch', 3, 'height', 'width']);
  return liveModel(upscaler, (scope) => ({ enlarged: esrgan(scope, STARTER_UPSCALER, image) }));
}

export interface Enlargement {
  /** dB against the scene drawn at 512 pixels. */
  readonly psnr: number;
  readonly bicubic: number;
  /** The last scene by bicubic, by the model, and as drawn: [3, 3, 512, 512] in −1…1. */
  readonly shown: Float32Array;
}

/** Means over `count` held-out scenes. */
export async function measureUpscaler(upscaler: ParameterSet, count: number): Promise<Enlargement> {
  const model = await liveUpscaler(upscaler);
  const shown = new Float32Array(3 * 3 * LARGE ** 2);
  const scores = await drawAll(count, async (index) => {
    const scene = sceneAt(index, 'heldOut');
    const [small, large] = [await drawScene(scene, PICTURE_SIZE), await drawScene(scene, LARGE)];
    const truth = planar(large);
    const values = planar(small).map((value) => value / 2 + 0.5);
    const { enlarged } = await model.run({ image: { values, shape: [1, 3, PICTURE_SIZE, PICTURE_SIZE] } });
    const [plain, own] = [planar(await enlargedBicubic(small)), enlarged!.map((value) => 2 * value - 1)];
    for (const [place, picture] of [plain, own, truth].entries()) shown.set(picture, place * picture.length);
    return { psnr: meanPsnr(truth, own, 1), bicubic: meanPsnr(truth, plain, 1) };
  });
  await model.release();
  const mean = (of: (score: { psnr: number; bicubic: number }) => number): number =>
    scores.reduce((sum, score) => sum + of(score), 0) / count;
  return { psnr: mean(({ psnr }) => psnr), bicubic: mean(({ bicubic }) => bicubic), shown };
}

async function enlargedBicubic({ data, size }: Pixels): Promise<Pixels> {
  const raw = { width: size, height: size, channels: 3 } as const;
  const bytes = await sharp(data, { raw }).resize(LARGE, LARGE, { kernel: 'cubic' }).raw().toBuffer();
  return { data: new Uint8Array(bytes), size: LARGE };
}

function planar(pixels: Pixels): Float32Array<ArrayBuffer> {
  const out = new Float32Array(3 * pixels.size ** 2);
  writePlanar(pixels, out);
  return out;
}
