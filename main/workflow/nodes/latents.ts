/** Nodes that make and change latents without a network. */
import { z } from 'zod';
import { centreCut } from '../../images/fit.ts';
import { INTERPOLATIONS, type Interpolation, interpolate } from '../../pipeline/numerics/interpolate.ts';
import { nchw, type Tensor, zeros } from '../../pipeline/tensor.ts';
import { node } from '../parts/node.ts';
import { MAX_BATCH, MAX_SIDE, proportional, requireSmall } from '../parts/sizes.ts';
import { decimal, integer, socket } from '../parts/sockets.ts';

const samples = socket('LATENT');
const upscale_method = z.enum(INTERPOLATIONS);

export const LATENTS = {
  EmptyLatentImage: node({
    inputs: {
      width: integer(16, MAX_SIDE),
      height: integer(16, MAX_SIDE),
      batch_size: integer(1, MAX_BATCH),
    },
    outputs: ['LATENT'],
    run: ({ width, height, batch_size }, { models }) => {
      requireSmall(width, height, batch_size);
      models.reserve(width * height);
      const shape = [batch_size, 4, Math.floor(height / 8), Math.floor(width / 8)];
      return [{ samples: zeros(shape), scalingFactor: 1 }];
    },
  }),
  RepeatLatentBatch: node({
    inputs: { samples, amount: integer(1, MAX_BATCH) },
    outputs: ['LATENT'],
    run: (inputs) => [{ ...inputs.samples, samples: repeated(inputs.samples.samples, inputs.amount) }],
  }),
  SetLatentNoiseMask: node({
    inputs: {
      samples,
      mask: socket('MASK'),
      emulsion: z.object({ maskedContent: z.enum(['latent noise', 'latent nothing']).optional() }),
    },
    outputs: ['LATENT'],
    run: ({ samples: latent, mask, emulsion: { maskedContent } }) => [
      { ...latent, noiseMask: mask, ...(maskedContent && { maskedContent }) },
    ],
  }),
  LatentUpscale: node({
    inputs: {
      samples,
      upscale_method,
      width: integer(0, MAX_SIDE),
      height: integer(0, MAX_SIDE),
      crop: z.enum(['disabled', 'center']),
    },
    outputs: ['LATENT'],
    run: ({ samples: latent, upscale_method: method, width, height, crop }) => {
      const [, , oldHeight, oldWidth] = nchw(latent.samples);
      if (width === 0 && height === 0) return [latent];
      const size = proportional(oldWidth, oldHeight, width, height, 64);
      const cut = crop === 'center' ? centred(latent.samples, size.width, size.height) : latent.samples;
      return [{ ...latent, samples: resized(cut, size.width >> 3, size.height >> 3, method) }];
    },
  }),
  LatentUpscaleBy: node({
    inputs: { samples, upscale_method, scale_by: decimal(0.01, 8) },
    outputs: ['LATENT'],
    run: ({ samples: latent, upscale_method: method, scale_by }) => {
      const [, , height, width] = nchw(latent.samples);
      const scaled = (side: number): number => Math.max(1, Math.round(side * scale_by));
      return [{ ...latent, samples: resized(latent.samples, scaled(width), scaled(height), method) }];
    },
  }),
};

function resized(x: Tensor, width: number, height: number, method: Interpolation): Tensor {
  requireSmall(width * 8, height * 8, x.shape[0]!);
  return interpolate(x, width, height, method);
}

/** [B, …] → [B · amount, …], the whole batch again and again. */
function repeated({ data, shape }: Tensor, amount: number): Tensor {
  requireSmall(shape[3]! * 8, shape[2]! * 8, shape[0]! * amount);
  const all = new Float32Array(data.length * amount);
  for (let i = 0; i < amount; i++) all.set(data, i * data.length);
  return { data: all, shape: [shape[0]! * amount, ...shape.slice(1)] };
}

/** The middle of [B, C, h, w] in the proportions of width × height. */
function centred(x: Tensor, width: number, height: number): Tensor {
  const [batch, channels, oldHeight, oldWidth] = nchw(x);
  const cut = centreCut(oldWidth, oldHeight, width, height);
  const out = new Float32Array(batch * channels * cut.width * cut.height);
  for (let row = 0; row < batch * channels * cut.height; row++) {
    const plane = Math.floor(row / cut.height);
    const from = (plane * oldHeight + cut.y + (row % cut.height)) * oldWidth + cut.x;
    out.set(x.data.subarray(from, from + cut.width), row * cut.width);
  }
  return { data: out, shape: [batch, channels, cut.height, cut.width] };
}
