/** Pictures ↔ latents, and the forms of encoding that inpainting needs. */
import { z } from 'zod';
import { badInput } from '../../engine/border/failures.ts';
import { crop } from '../../images/compose.ts';
import { fillMasked } from '../../images/fill.ts';
import { latentMask, type Mask, maskOf, maskTensor } from '../../images/masks.ts';
import { fromTensor, type Pixels, toTensor, withoutAlpha } from '../../images/pixels.ts';
import { inpaintChannels } from '../../pipeline/inpaint.ts';
import { nchw, type Tensor, zeros } from '../../pipeline/tensor.ts';
import { type NodeContext, node } from '../parts/node.ts';
import { integer, type LatentValue, socket, type VaeValue } from '../parts/sockets.ts';

const vae = socket('VAE');
const pixels = socket('IMAGE');
const mask = socket('MASK');
const conditioning = socket('CONDITIONING');

export const AUTOENCODER = {
  VAEDecode: node({
    inputs: { samples: socket('LATENT'), vae },
    outputs: ['IMAGE'],
    run: async ({ samples, vae: from }, context) => [await decoded(context, from, samples)],
  }),
  VAEEncode: node({
    inputs: {
      pixels,
      vae,
      emulsion: z.object({ fill: mask.optional(), content: z.literal('nothing').optional() }),
    },
    outputs: ['LATENT'],
    run: async ({ pixels: pictures, vae: from, emulsion: { fill, content } }, context) => {
      const whole = pictures.map((picture) => wholeBlocks(withoutAlpha(picture)));
      if (content === 'nothing') return [emptyLatent(whole)];
      const filled = fill ? whole.map((picture) => fillMasked(picture, maskFor(fill, picture))) : whole;
      return [await encoded(context, from, filled.map(signed))];
    },
  }),
  VAEEncodeForInpaint: node({
    inputs: { pixels, vae, mask, grow_mask_by: integer(0, 64).default(6) },
    outputs: ['LATENT'],
    run: async (inputs, context) => {
      const fitted = maskFor(inputs.mask, inputs.pixels[0]!);
      const rounded = wholeBlocks({ ...fitted, data: fitted.data.map((share) => (share > 0.5 ? 1 : 0)) });
      const images = inputs.pixels.map((picture) => greyedOut(signed(wholeBlocks(picture)), rounded));
      const latent = await encoded(context, inputs.vae, images);
      return [{ ...latent, noiseMask: grownSquare(rounded, inputs.grow_mask_by) }];
    },
  }),
  InpaintModelConditioning: node({
    inputs: {
      positive: conditioning,
      negative: conditioning,
      vae,
      pixels,
      mask,
      noise_mask: z.boolean().default(true),
    },
    outputs: ['CONDITIONING', 'CONDITIONING', 'LATENT'],
    run: async ({ positive, negative, vae: from, pixels: pictures, mask: drawn, noise_mask }, context) => {
      const picture = wholeBlocks(withoutAlpha(pictures[0]!));
      const latent = await encoded(context, from, [signed(picture)]);
      const fitted = wholeBlocks(maskFor(drawn, pictures[0]!));
      const [, , height, width] = nchw(latent.samples);
      const { networks } = await readyVae(context, from, picture);
      const extraChannels = await inpaintChannels(
        networks.encodeImage,
        signed(picture),
        maskTensor(fitted),
        maskTensor(latentMask(drawn, width, height)),
      );
      return [
        { ...positive, extraChannels },
        { ...negative, extraChannels },
        { ...latent, ...(noise_mask && { noiseMask: drawn }) },
      ];
    },
  }),
};

/** As empty as EmptyLatentImage's, in the size of the pictures. */
function emptyLatent(pictures: readonly Pixels[]): LatentValue {
  const { width, height } = pictures[0]!;
  return { samples: zeros([pictures.length, 4, height / 8, width / 8]), scalingFactor: 1 };
}

async function readyVae({ models }: NodeContext, from: VaeValue, { width, height }: Pixels) {
  models.reserve(width * height);
  return models.vae(from);
}

/** One after the other: a batch would need as many times the memory. */
async function encoded(
  context: NodeContext,
  from: VaeValue,
  images: readonly Tensor[],
): Promise<LatentValue> {
  const { progress, signal, models } = context;
  models.reserve(images[0]!.data.length / 3);
  const { networks, config } = await models.vae(from);
  progress.begin('encode image', images.length);
  const latents: Tensor[] = [];
  for (const image of images) {
    signal.throwIfAborted();
    latents.push(await networks.encodeImage(image));
    progress.advance();
  }
  return { samples: stacked(latents), scalingFactor: config.vae.scalingFactor };
}

async function decoded(
  { models, progress, signal }: NodeContext,
  from: VaeValue,
  { samples, scalingFactor }: LatentValue,
): Promise<Pixels[]> {
  const [batch, channels, height, width] = nchw(samples);
  models.reserve(64 * height * width);
  const { networks, config } = await models.vae(from);
  if (config.vae.embedDim !== channels)
    throw badInput(
      `The VAE decodes ${config.vae.embedDim} channels; the latent has ${channels}.`,
      'Use its own VAE.',
    );
  progress.begin('decode', batch);
  const factor = config.vae.scalingFactor / scalingFactor;
  const size = samples.data.length / batch;
  const pictures: Pixels[] = [];
  for (let item = 0; item < batch; item++) {
    signal.throwIfAborted();
    const part = samples.data.slice(item * size, (item + 1) * size);
    const data = factor === 1 ? part : part.map((value) => value * factor);
    pictures.push(
      ...fromTensor(await networks.decodeLatent({ data, shape: [1, channels, height, width] }), 'signed'),
    );
    progress.advance();
  }
  return pictures;
}

function signed(picture: Pixels): Tensor {
  return toTensor([picture], 'signed');
}

/** The middle part whose sides are multiples of 8. */
function wholeBlocks<T extends Pixels | Mask>(from: T): T {
  const [width, height] = [from.width & ~7, from.height & ~7];
  if (width === 0 || height === 0)
    throw badInput(
      `A picture of ${from.width}×${from.height} is too small to encode.`,
      'Use at least 8×8 pixels.',
    );
  if (width === from.width && height === from.height) return from;
  return crop(from, { x: (from.width % 8) >> 1, y: (from.height % 8) >> 1, width, height });
}

/** torch's bilinear resize, without rounding. */
function maskFor(drawn: Mask, { width, height }: { width: number; height: number }): Mask {
  return drawn.width === width && drawn.height === height ? drawn : latentMask(drawn, width, height);
}

/** What is to be repainted becomes middle grey, which is 0 in −1…1. */
function greyedOut(image: Tensor, { data: rounded }: Mask): Tensor {
  return { ...image, data: image.data.map((value, i) => (rounded[i % rounded.length] === 1 ? 0 : value)) };
}

/** A 0/1 mask grown by a square of `size` pixels; an even one reaches further up and left, as a convolution's does. */
function grownSquare({ width, height, data }: Mask, size: number): Mask {
  if (size === 0) return maskOf(data, width, height);
  const before = Math.ceil((size - 1) / 2);
  const spread = (line: Float32Array): Float32Array =>
    line.map((_, i) => Math.max(...line.subarray(Math.max(0, i - before), i - before + size)));
  const out = new Float32Array(data.length);
  for (let y = 0; y < height; y++) out.set(spread(data.subarray(y * width, (y + 1) * width)), y * width);
  for (let x = 0; x < width; x++) {
    spread(Float32Array.from({ length: height }, (_, y) => out[y * width + x]!)).forEach((value, y) => {
      out[y * width + x] = value;
    });
  }
  return maskOf(out, width, height);
}

function stacked(latents: readonly Tensor[]): Tensor {
  const [first] = latents;
  const size = first!.data.length;
  const data = new Float32Array(size * latents.length);
  for (const [i, latent] of latents.entries()) data.set(latent.data, i * size);
  return { data, shape: [latents.length, ...first!.shape.slice(1)] };
}
