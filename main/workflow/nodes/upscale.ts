/** Enlarging pictures with a network. */
import { z } from 'zod';
import { upscaleRequestSchema } from '../../../preload/request.ts';
import { upscaleImage, upscaleSteps } from '../../engine/networks/upscaler.ts';
import type { Pixels } from '../../images/pixels.ts';
import { node } from '../parts/node.ts';
import { requireSmall } from '../parts/sizes.ts';
import { socket } from '../parts/sockets.ts';

/** Side of a tile in input pixels. */
const { tile } = upscaleRequestSchema.shape;

export const UPSCALE = {
  ImageUpscaleWithModel: node({
    inputs: {
      upscale_model: socket('UPSCALE_MODEL'),
      image: socket('IMAGE'),
      emulsion: z.object({ tile }),
    },
    outputs: ['IMAGE'],
    run: async ({ upscale_model, image: pictures, emulsion: { tile } }, { models, progress, signal }) => {
      const upscaler = await models.upscaler(upscale_model.path);
      const { scale } = upscaler.config;
      const [first] = pictures;
      requireSmall(first!.width * scale, first!.height * scale, pictures.length);
      progress.begin('upscale', pictures.length * upscaleSteps(first!, upscaler, tile));
      const enlarged: Pixels[] = [];
      for (const picture of pictures) {
        const options = { tile, onTile: () => progress.advance(), signal };
        enlarged.push(await upscaleImage(picture, upscaler, options));
      }
      return [enlarged];
    },
  }),
};
