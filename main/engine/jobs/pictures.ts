/** The pictures of a request: read, brought to size, masked, and the generated ones put back where they belong. */
import type { GenerationRequest } from '../../../preload/request.ts';
import { crop, maskedArea, paste, type Region } from '../../images/compose.ts';
import { fillMasked } from '../../images/fill.ts';
import { covering } from '../../images/fit.ts';
import { blurMask, growMask, latentMask, type Mask, maskFromGrey, maskTensor } from '../../images/masks.ts';
import { type Pixels, toTensor, withoutAlpha } from '../../images/pixels.ts';
import { resizeMask, resizePixels } from '../../images/resample.ts';
import type { GenerationInputs, GenerationModel } from '../../pipeline/generate.ts';
import { inpaintChannels } from '../../pipeline/inpaint.ts';
import { type Tensor, zeros } from '../../pipeline/tensor.ts';
import { badInput } from '../border/failures.ts';
import { readPicture } from './requestFiles.ts';

/** A request's pictures as the pipeline takes them, and the way back. */
export interface RequestPictures {
  readonly inputs: Pick<GenerationInputs, 'initLatent' | 'latentMask' | 'extraChannels'>;
  /** What was cut out of the source, where only the masked area is worked on. */
  readonly region?: Region;
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
    case 'text-to-image': {
      const extra = await extraChannels(model, request);
      return { inputs: { ...extra }, finish: (generated) => generated, toSize };
    }
    case 'image-to-image': {
      const source = toSize(await readPicture(request.initImage, 'initImage'));
      const image = toTensor([withoutAlpha(source)], 'signed');
      const extra = await extraChannels(model, request, image);
      // At 1 nothing of the picture is to be left, and sigma_max alone would leave a trace of it.
      if (request.denoisingStrength === 1)
        return { inputs: { ...extra }, finish: (generated) => generated, toSize };
      const inputs = { initLatent: await model.encodeImage(image), ...extra };
      return { inputs, finish: (generated) => generated, toSize, unchanged: source };
    }
    case 'inpaint':
      return prepareInpaint(model, request);
  }
}

/**
 * What models of more input channels read where the request has no mask: an inpaint model is told to repaint all of a
 * grey picture, an editing model (instruct-pix2pix) gets the picture, encoded but not scaled.
 */
async function extraChannels(
  { config, encodeImage }: GenerationModel,
  { width, height }: GenerationRequest,
  image?: Tensor,
): Promise<Pick<GenerationInputs, 'extraChannels'>> {
  switch (config.unet.inChannels) {
    case 4:
      return {};
    case 9: {
      const [grey, all] = [zeros([1, 3, height, width]), filled([1, 1, height, width])];
      const latentAll = filled([1, 1, height / 8, width / 8]);
      return { extraChannels: await inpaintChannels(encodeImage, grey, all, latentAll) };
    }
    case 8: {
      if (!image)
        throw badInput('This model edits pictures and has none to edit.', 'Use it with image-to-image.');
      const { data, shape } = await encodeImage(image);
      return { extraChannels: { data: data.map((value) => value / config.vae.scalingFactor), shape } };
    }
    default:
      throw badInput(
        `This model reads ${config.unet.inChannels} channels (a depth map or the like), which is not supported.`,
        'Choose a text-to-image, inpaint or instruct-pix2pix model.',
      );
  }
}

function filled(shape: readonly number[]): Tensor {
  const { data } = zeros(shape);
  return { data: data.fill(1), shape };
}

async function prepareInpaint(
  model: GenerationModel,
  request: Extract<GenerationRequest, { kind: 'inpaint' }>,
): Promise<RequestPictures> {
  const { width, height } = request;
  const source = await readPicture(request.initImage, 'initImage');
  const mask = await readMask(request, source);
  const whole: Region = { x: 0, y: 0, width: source.width, height: source.height };
  const region =
    request.inpaintArea === 'only masked' ? maskedArea(mask, request.maskedPadding, width, height) : whole;
  if (!region)
    throw badInput('The mask is empty: nothing is marked for repainting.', 'Paint the part to be changed.');

  // In the order of ComfyUI's nodes, so that the exported graph gives the same picture.
  const part = resizePixels(crop(withoutAlpha(source), region), width, height, 'lanczos');
  const partMask = crop(mask, region);
  const frameMask = latentMask(partMask, width, height);
  const content = request.maskedContent === 'fill' ? fillMasked(part, frameMask) : part;
  const image = toTensor([content], 'signed');
  const small = maskTensor(latentMask(partMask, width / 8, height / 8));
  const takesMask = model.config.unet.inChannels === 9;
  const inputs = {
    initLatent: await model.encodeImage(image),
    latentMask: small,
    ...(takesMask && {
      extraChannels: await inpaintChannels(model.encodeImage, image, maskTensor(frameMask), small),
    }),
  };
  return {
    inputs,
    ...(request.inpaintArea === 'only masked' && { region }),
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
  const drawn = maskFromGrey(await readPicture(ref, 'mask'));
  const fitted =
    drawn.width === source.width && drawn.height === source.height
      ? drawn
      : resizeMask(drawn, source.width, source.height, 'bilinear');
  const grown = maskGrow === 0 ? fitted : growMask(fitted, maskGrow);
  return maskBlur === 0 ? grown : blurMask(grown, maskBlur);
}
