/** Source picture and mask in an exported graph: where the first latent comes from, and how the result is pasted back. */
import type { GenerationRequest, InpaintRequest } from '../../../preload/request.ts';
import type { ComfyGraphOptions, Wires } from './exportGraph.ts';
import type { ComfyLink } from './graph.ts';
import { type GraphBuilder, imageFile } from './graphBuilder.ts';

/** Conditioning is here again because inpaint models get the masked picture through it. */
export interface FirstLatent {
  readonly latent: ComfyLink;
  readonly positive: ComfyLink;
  readonly negative: ComfyLink;
  /** Whole source picture, the part that is worked on, and that part's mask. */
  readonly source?: ComfyLink;
  readonly part?: ComfyLink;
  readonly mask?: ComfyLink;
}

/** An empty latent, or the encoded picture, with its mask. */
export function addFirstLatent(
  graph: GraphBuilder,
  request: GenerationRequest,
  wires: Wires,
  options: ComfyGraphOptions,
): FirstLatent {
  const { width, height } = request;
  const batch = batchOf(request);
  const { positive, negative } = wires;
  if (request.kind === 'text-to-image') {
    return {
      latent: graph.add('EmptyLatentImage', { width, height, batch_size: batch })(0),
      positive,
      negative,
    };
  }
  const { initImage } = request;
  const source = graph.add('LoadImage', { image: imageFile(initImage) }, { sha256: initImage.sha256 })(0);
  if (request.kind === 'image-to-image') {
    const pixels = scaled(graph, source, width, height, 'center');
    // At 1 the app leaves nothing of the picture; ComfyUI leaves what shines through the first noise.
    const content = { content: request.denoisingStrength === 1 ? 'nothing' : undefined };
    const encoded = graph.add('VAEEncode', { pixels, vae: wires.vae }, content)(0);
    return { latent: repeated(graph, encoded, batch), positive, negative };
  }
  const masked = addMasked(graph, request, wires, source, options);
  return { ...masked, latent: repeated(graph, masked.latent, batch), source };
}

/**
 * Where the mask is 0 the source's own pixels come back, as the app itself does it: at the source's size, where only a
 * part was worked on at its place, otherwise all over it.
 */
export function addPasteBack(
  graph: GraphBuilder,
  request: GenerationRequest,
  decoded: ComfyLink,
  { source, mask }: FirstLatent,
  { region }: ComfyGraphOptions,
): ComfyLink {
  if (request.kind !== 'inpaint' || !source || !mask) return decoded;
  const cut = cutOut(request, region);
  const amount = batchOf(request);
  const inputs = {
    x: cut?.x ?? 0,
    y: cut?.y ?? 0,
    resize_source: !cut,
    destination: amount > 1 ? graph.add('RepeatImageBatch', { image: source, amount })(0) : source,
    source: cut ? scaled(graph, decoded, cut.width, cut.height) : decoded,
    mask,
  };
  return graph.add('ImageCompositeMasked', inputs, { resize: cut ? undefined : 'lanczos' })(0);
}

function addMasked(
  graph: GraphBuilder,
  request: InpaintRequest,
  { vae, positive, negative }: Wires,
  source: ComfyLink,
  { region, inpaintModel }: ComfyGraphOptions,
): FirstLatent {
  const cut = cutOut(request, region);
  const whole = addMask(graph, request);
  const mask = cut ? graph.add('CropMask', { ...cut, mask: whole })(0) : whole;
  const part = cut ? graph.add('ImageCrop', { ...cut, image: source })(0) : source;
  const pixels = scaled(graph, part, request.width, request.height);
  if (inpaintModel) {
    const conditioned = graph.add('InpaintModelConditioning', {
      positive,
      negative,
      vae,
      pixels,
      mask,
      noise_mask: true,
    });
    return { positive: conditioned(0), negative: conditioned(1), latent: conditioned(2), part, mask };
  }
  const content = request.maskedContent;
  const fill = content === 'fill' ? { fill: mask } : {};
  const encoded = graph.add('VAEEncode', { pixels, vae }, fill)(0);
  const start = content === 'latent noise' || content === 'latent nothing' ? { maskedContent: content } : {};
  return {
    latent: graph.add('SetLatentNoiseMask', { samples: encoded, mask }, start)(0),
    positive,
    negative,
    part,
    mask,
  };
}

/** White repaints in both programs; growing and feathering in pixels have no node there. */
function addMask(graph: GraphBuilder, { mask, maskGrow, maskBlur }: InpaintRequest): ComfyLink {
  const shape = { grow: maskGrow === 0 ? undefined : maskGrow, blur: maskBlur === 0 ? undefined : maskBlur };
  const inputs = { image: imageFile(mask), channel: 'red' };
  return graph.add('LoadImageMask', inputs, { sha256: mask.sha256, ...shape })(0);
}

/** Pictures the graph makes: where seeds increment, each has a graph of its own. */
function batchOf({ batchSeeds, batch }: GenerationRequest): number {
  return batchSeeds === 'batch' ? batch : 1;
}

/** The area of the source that is worked on; undefined for the whole. */
export function cutOut(request: GenerationRequest, region: ComfyGraphOptions['region']) {
  if (request.kind !== 'inpaint' || request.inpaintArea !== 'only masked' || !region) return undefined;
  const { x, y, width, height } = region;
  return { x, y, width, height };
}

/** `center` covers the size and cuts the overhang off, as image-to-image does; `disabled` stretches. */
export function scaled(
  graph: GraphBuilder,
  image: ComfyLink,
  width: number,
  height: number,
  crop: 'center' | 'disabled' = 'disabled',
): ComfyLink {
  return graph.add('ImageScale', { upscale_method: 'lanczos', width, height, crop, image })(0);
}

function repeated(graph: GraphBuilder, samples: ComfyLink, amount: number): ComfyLink {
  return amount > 1 ? graph.add('RepeatLatentBatch', { samples, amount })(0) : samples;
}
