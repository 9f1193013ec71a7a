/** Batches for denoising: latents, noise, timesteps and captions of one thread's part of a step. */
import { betas, cumulativeAlphas } from '../../../pipeline/sigmas/alphas.ts';
import { sceneAt } from '../../world/dataset.ts';
import { wording } from '../clip/clipTrainer.ts';
import { normals, rng } from '../loop/normals.ts';
import type { Feeds } from '../loop/step.ts';
import { STARTER_TEXT } from '../models.ts';
import { captionTokens } from './captionTokens.ts';
import { LATENT_VALUES, type readLatents } from './latents.ts';

const EMPTY_CAPTIONS = 0.1;
/** Hang et al. 2023: high signal-to-noise ratios count no more than this. */
const MIN_SNR = 5;

export interface FeedPlan {
  /** Names the stream of random numbers. */
  readonly name: string;
  readonly threads: number;
  /** Samples per thread and step. */
  readonly batch: number;
  /** More data of the chosen scenes. */
  readonly more?: (scenes: readonly number[]) => Feeds;
}

/** Data of one thread's part of a step, see unetLoss; timesteps are spread evenly over the whole batch. */
export function denoisingFeeds(
  latents: () => ReturnType<typeof readLatents>,
  { name, threads, batch, more = () => ({}) }: FeedPlan,
): (step: number, thread: number) => Feeds {
  const alphas = cumulativeAlphas(betas());
  return (step, thread) => {
    const { values, count } = latents();
    const random = rng(name, step, thread);
    const scenes = Array.from({ length: batch }, () => Math.floor(random.next() * count));
    const latent = new Float32Array(batch * LATENT_VALUES);
    const noise = new Float32Array(latent.length);
    normals(random, noise);
    for (const [item, scene] of scenes.entries())
      latent.set(values.subarray(scene * LATENT_VALUES, (scene + 1) * LATENT_VALUES), item * LATENT_VALUES);
    const captions = scenes.map((scene) =>
      random.chance(EMPTY_CAPTIONS) ? '' : wording(sceneAt(scene, 'train'), scene, step),
    );
    const timesteps = scenes.map((_, item) =>
      Math.floor((1000 * (item * threads + thread + random.next())) / (batch * threads)),
    );
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
      ...more(scenes),
    };
  };
}
