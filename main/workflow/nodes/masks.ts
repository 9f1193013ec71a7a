/** Masks: 1 = repaint, as in ComfyUI. */
import { z } from 'zod';
import { decodePixels } from '../../images/codec.ts';
import { crop } from '../../images/compose.ts';
import { blurMask, growMask, maskFromAlpha, maskFromChannel } from '../../images/masks.ts';
import { node } from '../parts/node.ts';
import { MAX_SIDE } from '../parts/sizes.ts';
import { decimal, integer, socket } from '../parts/sockets.ts';
import { insideOf } from './images.ts';

const CHANNELS = { red: 0, green: 1, blue: 2 } as const;
const side = integer(1, MAX_SIDE);
const offset = integer(0, MAX_SIDE);

export const MASKS = {
  LoadImageMask: node({
    inputs: {
      image: z.string(),
      channel: z.enum(['alpha', 'red', 'green', 'blue']),
      // Our own graphs: radius in pixels to grow by (or shrink), then the feather's.
      emulsion: z.object({ grow: decimal(-256, 256).default(0), blur: decimal(0, 256).default(0) }),
    },
    files: { image: 'input' },
    outputs: ['MASK'],
    run: async ({ image: path, channel, emulsion: { grow, blur } }) => {
      const picture = await decodePixels(path);
      const drawn =
        channel === 'alpha' ? maskFromAlpha(picture) : maskFromChannel(picture, CHANNELS[channel]);
      const grown = grow === 0 ? drawn : growMask(drawn, grow);
      return [blur === 0 ? grown : blurMask(grown, blur)];
    },
  }),
  CropMask: node({
    inputs: { mask: socket('MASK'), x: offset, y: offset, width: side, height: side },
    outputs: ['MASK'],
    run: ({ mask, ...area }) => [crop(mask, insideOf(mask, area))],
  }),
};
