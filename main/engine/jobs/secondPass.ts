/** The second pass ("hires fix"): the first pass's latent enlarged, then painted over at the larger size. */
import { openWeights } from '../../../native-models/weights/open.ts';
import type { GenerationRequest } from '../../../preload/request.ts';
import { finalSize } from '../../images/comfy/exportSampling.ts';
import { fromTensor, toTensor } from '../../images/pixels.ts';
import { resizePixels } from '../../images/resample.ts';
import { partOfRows, stackedRows } from '../../pipeline/evaluation.ts';
import { interpolate } from '../../pipeline/numerics/interpolate.ts';
import type { Tensor } from '../../pipeline/tensor.ts';
import type { Networks } from '../networks/networks.ts';
import { openUpscaler, upscaleImage } from '../networks/upscaler.ts';
import type { SessionOptions } from '../runtime/sessions.ts';
import type { ProgressReporter } from './progress.ts';
import { fileOf } from './requestFiles.ts';

type ImageToImage = Extract<GenerationRequest, { kind: 'image-to-image' }>;

/** The requests of a second pass: what is painted (from the enlarged latent), and what its pictures are prepared for. */
export interface SecondPass {
  readonly painted: GenerationRequest;
  readonly pictures: GenerationRequest;
}

/** Undefined when the request has no second pass. `inChannels` of the U-Net: an editing model (8) reads the init image again. */
export function secondPassOf(request: GenerationRequest, inChannels: number): SecondPass | undefined {
  const { secondPass, ...first } = request;
  if (!secondPass) return undefined;
  const size = finalSize(request);
  const { denoisingStrength, steps = request.steps } = secondPass;
  if (first.kind === 'inpaint') {
    // What the first pass put under the mask is now the original.
    const painted = { ...first, ...size, denoisingStrength, steps, maskedContent: 'original' } as const;
    return { painted, pictures: painted };
  }
  const stepRule: ImageToImage['stepRule'] = first.kind === 'text-to-image' ? 'diffusers' : first.stepRule;
  const initImage = first.kind === 'text-to-image' ? {} : first.initImage;
  const painted = {
    ...first,
    ...size,
    kind: 'image-to-image',
    denoisingStrength,
    steps,
    stepRule,
    initImage,
  } as const;
  return { painted, pictures: inChannels === 8 ? painted : { ...painted, kind: 'text-to-image' } };
}

/** What an upscaler between the passes is run with. */
export interface EnlargeOptions {
  readonly session: SessionOptions;
  readonly progress: ProgressReporter;
  readonly signal: AbortSignal;
}

/** The latent at the second pass's size, [B, 4, h, w]: interpolated, or as pixels through an upscaler and encoded again. */
export async function enlargedLatent(
  { decodeLatent, encodeImage }: Pick<Networks, 'decodeLatent' | 'encodeImage'>,
  request: GenerationRequest,
  latent: Tensor,
  { session, progress, signal }: EnlargeOptions,
): Promise<Tensor> {
  const { width, height } = finalSize(request);
  const upscaler = request.secondPass!.upscaler;
  if (upscaler === 'latent') return interpolate(latent, width / 8, height / 8, 'bilinear');
  const network = await openUpscaler(openWeights(fileOf(upscaler, 'upscaler')), session);
  try {
    const batch = latent.shape[0]!;
    progress.begin('upscale', batch);
    const encoded: Tensor[] = [];
    for (let item = 0; item < batch; item++) {
      signal.throwIfAborted();
      // A picture between the networks, as between the nodes of a workflow: the exported graph then gives the same.
      const [picture] = fromTensor(await decodeLatent(partOfRows(latent, item, batch)), 'signed');
      const enlarged = await upscaleImage(picture!, network, { signal });
      encoded.push(await encodeImage(toTensor([resizePixels(enlarged, width, height, 'lanczos')], 'signed')));
      progress.advance();
    }
    return stackedRows(encoded, 1);
  } finally {
    await network.release();
  }
}
