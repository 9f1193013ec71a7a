/** Full-size architectures: the parameters that a graph asks for are those that the published checkpoints have. */
import { expect, test } from 'vitest';
import { SD15, SD21, SDXL } from '../../native-models/models/configs.ts';
import {
  clipTextParameters,
  type ParameterShapes,
  sd1CheckpointParameters,
  unetParameters,
  vaeParameters,
} from '../../native-models/models/parameters.ts';

function count(shapes: ParameterShapes): number {
  return [...shapes.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

test.each([
  ['SD 1.5 U-Net', unetParameters(SD15.unet), 859_520_964],
  ['SD 2.1 U-Net', unetParameters(SD21.unet), 865_910_724],
  ['SDXL U-Net', unetParameters(SDXL.unet), 2_567_463_684],
  ['VAE', vaeParameters(SD15.vae), 83_653_863],
  ['CLIP-L text encoder', clipTextParameters(SD15.textEncoders[0]!), 123_060_480],
])('%s', (_name, shapes, expected) => {
  expect(count(shapes)).toBe(expected);
});

test('an SD 1.5 checkpoint has its 1×1 convolutions in four axes', () => {
  const shapes = sd1CheckpointParameters(SD15);
  expect(shapes.get('model.diffusion_model.input_blocks.1.1.proj_in.weight')).toEqual([320, 320, 1, 1]);
  expect(shapes.get('first_stage_model.decoder.mid.attn_1.q.weight')).toEqual([512, 512, 1, 1]);
  expect(shapes.get('cond_stage_model.transformer.text_model.final_layer_norm.weight')).toEqual([768]);
});
