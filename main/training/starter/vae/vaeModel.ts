/** The autoencoder in use: encoder, decoder, and how well they reconstruct. */
import { input } from '../../../../native-models/graph/value.ts';
import { vaeDecoder, vaeEncoder } from '../../../../native-models/models/vae.ts';
import type { ParameterSet } from '../../parameters.ts';
import { type Split, sample, writePlanar } from '../../world/dataset.ts';
import { drawAll } from '../data/pictures.ts';
import { type LiveModel, liveModel } from '../loop/model.ts';
import { LATENT_SIZE, PICTURE_SIZE, STARTER_VAE } from '../models.ts';
import { type LatentStatistics, latentStatistics } from './whiten.ts';

/** image [batch, 3, 128, 128] in −1…1 → moments [batch, 8, 16, 16]: mean, then log-variance. */
export function liveEncoder(vae: ParameterSet, batch: number, threads = 0): Promise<LiveModel> {
  const image = input('image', 'float32', [batch, 3, PICTURE_SIZE, PICTURE_SIZE]);
  return liveModel(vae, (scope) => ({ moments: vaeEncoder(scope, STARTER_VAE, image) }), threads);
}

/** latent [batch, 4, 16, 16] → picture [batch, 3, 128, 128], about −1…1. */
export function liveDecoder(vae: ParameterSet, batch: number, threads = 0): Promise<LiveModel> {
  const latent = input('latent', 'float32', [batch, STARTER_VAE.embedDim, LATENT_SIZE, LATENT_SIZE]);
  return liveModel(vae, (scope) => ({ picture: vaeDecoder(scope, STARTER_VAE, latent) }), threads);
}

/** The means of `moments`, the first half of the channels. */
export function meansOf(moments: Float32Array, batch: number): Float32Array<ArrayBuffer> {
  const half = moments.length / batch / 2;
  const means = new Float32Array(batch * half);
  for (let item = 0; item < batch; item++)
    means.set(moments.subarray(2 * item * half, (2 * item + 1) * half), item * half);
  return means;
}

/** Latents (means) of pictures [n, 3, 128, 128] in −1…1: [n, 4, 16, 16]. */
export async function encodeAll(
  vae: ParameterSet,
  pictures: Float32Array<ArrayBuffer>,
): Promise<Float32Array<ArrayBuffer>> {
  const count = pictures.length / (3 * PICTURE_SIZE ** 2);
  const encoder = await liveEncoder(vae, count);
  const shape = [count, 3, PICTURE_SIZE, PICTURE_SIZE];
  const { moments } = await encoder.run({ image: { values: pictures, shape } });
  await encoder.release();
  return meansOf(moments!, count);
}

/** Pictures [n, 3, 128, 128] of latents [n, 4, 16, 16]. */
export async function decodeAll(
  vae: ParameterSet,
  latents: Float32Array<ArrayBuffer>,
): Promise<Float32Array<ArrayBuffer>> {
  const count = latents.length / (STARTER_VAE.embedDim * LATENT_SIZE ** 2);
  const decoder = await liveDecoder(vae, count);
  const shape = [count, STARTER_VAE.embedDim, LATENT_SIZE, LATENT_SIZE];
  const { picture } = await decoder.run({ latent: { values: latents, shape } });
  await decoder.release();
  return picture!;
}

/** Reconstruction in dB (mean over pictures, values clamped) and latent statistics over `count` pictures of a split. */
export async function measureVae(
  vae: ParameterSet,
  count: number,
  split: Split = 'heldOut',
): Promise<{ psnr: number; statistics: LatentStatistics }> {
  const pictures = await drawAll(count, async (index) => (await sample(index, split)).pixels);
  const image = new Float32Array(count * 3 * PICTURE_SIZE ** 2);
  for (const [index, picture] of pictures.entries())
    writePlanar(picture, image, index * 3 * PICTURE_SIZE ** 2);
  const latent = await encodeAll(vae, image);
  const picture = await decodeAll(vae, latent);
  const statistics = latentStatistics(latent, count, STARTER_VAE.embedDim);
  return { psnr: meanPsnr(image, picture, count), statistics };
}

/** 10·log10(2² / MSE) for values in −1…1, averaged over pictures. */
export function meanPsnr(image: Float32Array, picture: Float32Array, count: number): number {
  const size = image.length / count;
  let sum = 0;
  for (let item = 0; item < count; item++) {
    let square = 0;
    for (let i = item * size; i < (item + 1) * size; i++)
      square += (Math.min(1, Math.max(-1, picture[i]!)) - image[i]!) ** 2;
    sum += 10 * Math.log10((4 * size) / square);
  }
  return sum / count;
}
