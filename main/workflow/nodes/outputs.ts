/** Nodes whose pictures are what the workflow is for. */
import { z } from 'zod';
import { node } from '../parts/node.ts';
import { socket } from '../parts/sockets.ts';

const images = socket('IMAGE');

/** The runner takes these nodes' input; what is done with it is up to whoever asked. */
export const OUTPUTS = {
  SaveImage: node({
    inputs: { images, filename_prefix: z.string().max(1000).default('ComfyUI') },
    outputs: ['IMAGE'],
    run: (inputs) => [inputs.images],
  }),
  PreviewImage: node({ inputs: { images }, outputs: ['IMAGE'], run: (inputs) => [inputs.images] }),
};
