/** Proofs on drawn pictures, whose content is known: the judge, the autoencoder, the upscaler. */
import type { ParameterSet } from '../../parameters.ts';
import { judgeAccuracy } from '../clip/judge.ts';
import { liveTowers } from '../clip/towers.ts';
import type { StarterModels } from '../denoise/sampling.ts';
import { PICTURE_SIZE } from '../models.ts';
import { measureUpscaler } from '../upscale/upscalerModel.ts';
import { decodeAll, encodeAll, meanPsnr } from '../vae/vaeModel.ts';
import { drawnPictures, heldOutScenes, type Proof, rowsOf } from './proof.ts';

/** The CLIP pair on `count` scenes of seeds it never saw, in the combinations that the painter is asked for: share right. */
export async function judgeOfDrawnScenes(models: StarterModels, count: number): Promise<Proof> {
  const towers = await liveTowers(models.clip);
  const figures = await judgeAccuracy(towers, count);
  await Promise.all([towers.image.release(), towers.text.release()]);
  const shown = await drawnPictures(heldOutScenes(0, 16).scenes);
  return { figures: { ...figures }, grid: { pictures: shown, columns: 8 } };
}

/** Scenes through encoder and decoder, in dB; shown above their reconstructions. */
export async function reconstruction({ vae }: StarterModels, count: number): Promise<Proof> {
  const pictures = await drawnPictures(heldOutScenes(0, count).scenes);
  const again = await decodeAll(vae, await encodeAll(vae, pictures));
  return { figures: { psnr: meanPsnr(pictures, again, count) }, grid: rowsOf(8, pictures, again) };
}

/** Four times as large, in dB against the same scene drawn large. */
export async function enlargement(upscaler: ParameterSet, count: number): Promise<Proof> {
  const { psnr, bicubic, shown } = await measureUpscaler(upscaler, count);
  return {
    figures: { psnr, bicubic, 'gain over bicubic': psnr - bicubic },
    grid: { pictures: shown, columns: 3, size: 4 * PICTURE_SIZE },
  };
}
