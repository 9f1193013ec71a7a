/** Inpainting as wrappers: what lies outside the mask is taken from the original at every step. */
import type { Evaluate } from './evaluation.ts';
import type { Denoise } from './samplers/sampler.ts';
import { nchw, type Tensor, tensor } from './tensor.ts';

export interface KeptLatent {
  /** The original, encoded × scalingFactor: [B or 1, 4, h, w]. */
  readonly latent: Tensor;
  /** The generation's own initial noise, unit normal: [B, 4, h, w]. */
  readonly noise: Tensor;
  /** 1 = repaint, 0 = keep, soft values blend: [1, 1, h, w]. */
  readonly mask: Tensor;
}

/**
 * Keeps the original outside the mask: before each evaluation x is replaced there by the original noised to the same
 * sigma, after it the prediction by the original (Lugmayr et al. 2022, RePaint without resampling; ComfyUI's rule).
 */
export function keepingOutsideMask(denoise: Denoise, kept: KeptLatent): Denoise {
  return async (x, sigma) => {
    const noised = (i: number, k: number): number => kept.noise.data[i]! * sigma + kept.latent.data[k]!;
    const denoised = await denoise(blended(x, kept, noised), sigma);
    const result = blended(denoised, kept, (_, k) => kept.latent.data[k]!);
    return { ...result, ...(denoised.negative && { negative: denoised.negative }) };
  };
}

/** x·mask + outside·(1 − mask); `outside` is asked with the index into x and the index into the kept latent. */
function blended(x: Tensor, { latent, mask }: KeptLatent, outside: (i: number, k: number) => number): Tensor {
  const plane = mask.data.length;
  const data = new Float32Array(x.data.length);
  for (let i = 0; i < data.length; i++) {
    const share = mask.data[i % plane]!;
    data[i] =
      share === 1 ? x.data[i]! : x.data[i]! * share + outside(i, i % latent.data.length) * (1 - share);
  }
  return { data, shape: x.shape };
}

/**
 * Channels that inpaint and instruct models read besides the latent, appended unscaled to every row: [1, C', h, w].
 * SD inpaint: mask (rounded), then the encoded picture with the mask greyed out.
 */
export function withExtraChannels(evaluate: Evaluate, extra: Tensor): Evaluate {
  return (evaluation) => evaluate({ ...evaluation, latent: joinedChannels(evaluation.latent, extra) });
}

/** [N, C, h, w] and [1, C', h, w] → [N, C + C', h, w]. */
export function joinedChannels(latent: Tensor, extra: Tensor): Tensor {
  const [rows, channels, height, width] = nchw(latent);
  const own = channels * height * width;
  const data = new Float32Array(rows * (own + extra.data.length));
  for (let row = 0; row < rows; row++) {
    data.set(latent.data.subarray(row * own, (row + 1) * own), row * (own + extra.data.length));
    data.set(extra.data, row * (own + extra.data.length) + own);
  }
  return tensor(data, [rows, channels + extra.shape[1]!, height, width]);
}

/**
 * The five extra channels of SD inpaint models: the rounded mask and the picture with its masked part greyed out,
 * encoded. `image` [1, 3, H, W] in −1…1, `mask` [1, 1, H, W], `latentMask` [1, 1, h, w].
 */
export async function inpaintChannels(
  encodeImage: (pixels: Tensor) => Promise<Tensor>,
  image: Tensor,
  mask: Tensor,
  latentMask: Tensor,
): Promise<Tensor> {
  const plane = mask.data.length;
  const kept = image.data.map((value, i) => (isRepainted(mask.data[i % plane]!) ? 0 : value));
  const masked = await encodeImage({ data: kept, shape: image.shape });
  const rounded = latentMask.data.map((share) => (isRepainted(share) ? 1 : 0));
  return joinedChannels({ data: rounded, shape: latentMask.shape }, masked);
}

/** Halves round to even as in torch, that is, down. */
function isRepainted(share: number): boolean {
  return share > 0.5;
}
