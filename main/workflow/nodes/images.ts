/** Pictures: read, resized, cut, put together. */
import { z } from 'zod';
import { decodePixels } from '../../images/codec.ts';
import { composite, crop, paste } from '../../images/compose.ts';
import { centreCut } from '../../images/fit.ts';
import { latentMask, type Mask, maskFromAlpha, maskOf } from '../../images/masks.ts';
import { fromTensor, type Pixels, toTensor, withoutAlpha } from '../../images/pixels.ts';
import { resizePixels } from '../../images/resample.ts';
import { interpolate } from '../../pipeline/numerics/interpolate.ts';
import { node } from '../parts/node.ts';
import { MAX_BATCH, MAX_SIDE, proportional, requireSmall } from '../parts/sizes.ts';
import { integer, socket } from '../parts/sockets.ts';

const image = socket('IMAGE');
const side = integer(1, MAX_SIDE);
const offset = integer(0, MAX_SIDE);
const METHODS = ['nearest-exact', 'bilinear', 'area', 'bicubic', 'lanczos'] as const;

export const IMAGES = {
  LoadImage: node({
    inputs: { image: z.string() },
    files: { image: 'input' },
    outputs: ['IMAGE', 'MASK'],
    run: async ({ image: path }) => {
      const picture = await decodePixels(path);
      return [[picture], maskFromAlpha(picture)];
    },
  }),
  ImageScale: node({
    inputs: {
      image,
      upscale_method: z.enum(METHODS),
      width: integer(0, MAX_SIDE),
      height: integer(0, MAX_SIDE),
      crop: z.enum(['disabled', 'center']),
    },
    outputs: ['IMAGE'],
    run: ({ image: pictures, upscale_method, width, height, crop: cut }) => {
      if (width === 0 && height === 0) return [pictures];
      const size = proportional(pictures[0]!.width, pictures[0]!.height, width, height, 1);
      requireSmall(size.width, size.height, pictures.length);
      return [
        pictures.map((picture) => {
          const part = cut === 'center' ? middle(picture, size.width, size.height) : picture;
          return resized(part, size.width, size.height, upscale_method);
        }),
      ];
    },
  }),
  ImageCrop: node({
    inputs: { image, width: side, height: side, x: offset, y: offset },
    outputs: ['IMAGE'],
    run: ({ image: pictures, ...area }) => [
      pictures.map((picture) => crop(picture, insideOf(picture, area))),
    ],
  }),
  RepeatImageBatch: node({
    inputs: { image, amount: integer(1, MAX_BATCH) },
    outputs: ['IMAGE'],
    run: ({ image: pictures, amount }) => {
      requireSmall(pictures[0]!.width, pictures[0]!.height, pictures.length * amount);
      return [Array.from({ length: amount }, () => pictures).flat()];
    },
  }),
  ImageCompositeMasked: node({
    inputs: {
      destination: image,
      source: image,
      x: offset,
      y: offset,
      resize_source: z.boolean(),
      mask: socket('MASK').optional(),
      emulsion: z.object({ resize: z.enum(['bilinear', 'lanczos']).default('bilinear') }),
    },
    outputs: ['IMAGE'],
    run: ({ destination, source, x, y, resize_source, mask, emulsion: { resize } }) => [
      destination.map((under, i) => {
        const over = source[i % source.length]!;
        const fitted = resize_source ? resized(over, under.width, under.height, resize) : over;
        return pasted(under, fitted, x, y, mask);
      }),
    ],
  }),
};

/** Lanczos works on bytes with widening filters, as Pillow does it for ComfyUI; the others are torch's. */
function resized(picture: Pixels, width: number, height: number, method: (typeof METHODS)[number]): Pixels {
  if (picture.width === width && picture.height === height) return picture;
  const opaque = withoutAlpha(picture);
  if (method === 'lanczos') return resizePixels(opaque, width, height, 'lanczos');
  return fromTensor(interpolate(toTensor([opaque], 'unit'), width, height, method), 'unit')[0]!;
}

function middle(picture: Pixels, width: number, height: number): Pixels {
  const cut = centreCut(picture.width, picture.height, width, height);
  return cut.width === picture.width && cut.height === picture.height ? picture : crop(picture, cut);
}

interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What of an area lies inside; at least its nearest pixel. */
export function insideOf(whole: { readonly width: number; readonly height: number }, area: Area): Area {
  const x = Math.min(area.x, whole.width - 1);
  const y = Math.min(area.y, whole.height - 1);
  return {
    x,
    y,
    width: Math.min(area.width, whole.width - x),
    height: Math.min(area.height, whole.height - y),
  };
}

/** `over` with its upper left corner at x, y; what lies outside `under` is cut off. */
function pasted(under: Pixels, over: Pixels, x: number, y: number, mask: Mask | undefined): Pixels {
  if (x >= under.width || y >= under.height) return under;
  const visible = {
    x: 0,
    y: 0,
    width: Math.min(over.width, under.width - x),
    height: Math.min(over.height, under.height - y),
  };
  const area = { ...visible, x, y };
  const full = mask ?? maskOf(new Float32Array(over.width * over.height).fill(1), over.width, over.height);
  const fitted =
    full.width === over.width && full.height === over.height
      ? full
      : latentMask(full, over.width, over.height);
  return paste(under, composite(crop(under, area), crop(over, visible), crop(fitted, visible)), area);
}
