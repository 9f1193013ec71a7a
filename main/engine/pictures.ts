/** The pictures of a request: read, brought to size, masked, and the generated ones put back where they belong. */
import type { GenerationRequest, ImageRef } from '../../preload/request.ts';
import { decodePixels } from '../images/codec.ts';
import { crop, maskedArea, paste, type Region } from '../images/compose.ts';
import { fillMasked } from '../images/fill.ts';
import { blurMask, growMask, latentMask, type Mask, maskFromGrey } from '../images/masks.ts';
import { type Pixels, toTensor, withoutAlpha } from '../images/pixels.ts';
import { resizeMask, resizePixels } from '../images/resample.ts';
import type { GenerationInputs, GenerationModel } from '../pipeline/generate.ts';
import { inpaintChannels } from '../pipeline/inpaint.ts';
import { type Tensor, tensor } from '../pipeline/tensor.ts';
import { badInput } from './failures.ts';

export interface RequestPictures {
  readonly inputs: Pick<GenerationInputs, 'initLatent' | 'latentMask' | 'extraChannels'>;
  /** A generated picture as it goes out: for inpainting, pasted into the source, whose other pixels stay as they were. */
  finish(generated: Pixels): Pixels;
  /** Another picture of the same scene (a ControlNet's), cut and brought to the size that is generated. */
  toSize(picture: Pixels): Pixels;
  /** The result when the denoising strength leaves nothing to do. */
  readonly unchanged?: Pixels;
}

/** Reads and encodes what the request refers to. Throws a bad-input error that names the picture. */
export async function preparePictures(
  model: GenerationModel,
  request: GenerationRequest,
): Promise<RequestPictures> {
  const toSize = (picture: Pixels): Pixels => covering(picture, request.width, request.height);
  switch (request.kind) {
    case 'text-to-image':
      return { inputs: {}, finish: (generated) => generated, toSize };
    case 'image-to-image': {
      const source = toSize(await read(request.initImage, 'initImage'));
      // At 1 nothing of the picture is to be left, and sigma_max alone would leave a trace of it.
      if (request.denoisingStrength === 1) return { inputs: {}, finish: (generated) => generated, toSize };
      const inputs = { initLatent: await model.encodeImage(toTensor([withoutAlpha(source)], 'signed')) };
      return { inputs, finish: (generated) => generated, toSize, unchanged: source };
    }
    case 'inpaint':
      return prepareInpaint(model, request);
  }
}

async function prepareInpaint(
  model: GenerationModel,
  request: Extract<GenerationRequest, { kind: 'inpaint' }>,
): Promise<RequestPictures> {
  const { width, height } = request;
  const source = await read(request.initImage, 'initImage');
  const mask = await readMask(request, source);
  const whole: Region = { x: 0, y: 0, width: source.width, height: source.height };
  const region =
    request.inpaintArea === 'only masked' ? maskedArea(mask, request.maskedPadding, width, height) : whole;
  if (!region)
    throw badInput('The mask is empty: nothing is marked for repainting.', 'Paint the part to be changed.');

  const opaque = withoutAlpha(source);
  const content = request.maskedContent === 'fill' ? fillMasked(opaque, mask) : opaque;
  const image = toTensor([resizePixels(crop(content, region), width, height, 'lanczos')], 'signed');
  const frameMask = resizeMask(crop(mask, region), width, height, 'bilinear');
  const small = plane(latentMask(frameMask, width / 8, height / 8));
  const takesMask = model.config.unet.inChannels === 9;
  const inputs = {
    initLatent: await model.encodeImage(image),
    latentMask: small,
    ...(takesMask && {
      extraChannels: await inpaintChannels(model.encodeImage, image, plane(frameMask), small),
    }),
  };
  return {
    inputs,
    finish: (generated) => paste(source, generated, region, mask),
    // A control picture drawn over the whole source is cut with it.
    toSize: (picture) =>
      picture.width === source.width && picture.height === source.height
        ? resizePixels(crop(picture, region), width, height, 'lanczos')
        : covering(picture, width, height),
    unchanged: source,
  };
}

async function readMask(
  { mask: ref, maskGrow, maskBlur }: Extract<GenerationRequest, { kind: 'inpaint' }>,
  source: Pixels,
): Promise<Mask> {
  const drawn = maskFromGrey(await read(ref, 'mask'));
  const fitted =
    drawn.width === source.width && drawn.height === source.height
      ? drawn
      : resizeMask(drawn, source.width, source.height, 'bilinear');
  const grown = maskGrow === 0 ? fitted : growMask(fitted, maskGrow);
  return maskBlur === 0 ? grown : blurMask(grown, maskBlur);
}

async function read(ref: ImageRef, field: string): Promise<Pixels> {
  if (!ref.path) throw badInput(`${field}: the picture is not on this machine.`, 'Choose the picture again.');
  return decodePixels(ref.path);
}

/** Scaled to cover width × height, the overhang cut off evenly. */
function covering(source: Pixels, width: number, height: number): Pixels {
  if (source.width === width && source.height === height) return source;
  const scale = Math.max(width / source.width, height / source.height);
  const scaled = resizePixels(
    source,
    Math.max(width, Math.round(source.width * scale)),
    Math.max(height, Math.round(source.height * scale)),
    'lanczos',
  );
  const x = Math.floor((scaled.width - width) / 2);
  const y = Math.floor((scaled.height - height) / 2);
  return crop(scaled, { x, y, width, height });
}

function plane({ data, width, height }: Mask): Tensor {
  return tensor(data, [1, 1, height, width]);
}
