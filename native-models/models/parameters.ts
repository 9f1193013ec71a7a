/** Which tensors an architecture needs, found by building it once over a source that only takes notes. */
import { input, weight } from '../graph/value.ts';
import { type ParameterSource, rootScope, type Scope } from '../layers/scope.ts';
import { clipText } from './clip.ts';
import type { CheckpointConfig, ClipTextConfig, UnetConfig, VaeConfig } from './configs.ts';
import { unet, unetInputs } from './unet.ts';
import { vaeDecoder, vaeEncoder } from './vae.ts';

/** Canonical tensor names and their shapes. */
export type ParameterShapes = ReadonlyMap<string, readonly number[]>;

/** Whether any layout has a tensor of this name: attention's to_q, to_k and to_v have no bias anywhere. */
export function isStored(name: string): boolean {
  return !/\.to_[qkv]\.bias$/.test(name);
}

/** A source that has everything and writes down what is asked for. Optional biases count as present where a layout has them. */
export function recordingSource(shapes: Map<string, readonly number[]>): ParameterSource {
  return {
    has: isStored,
    get: (name, shape) => {
      shapes.set(name, shape);
      return weight(name, 'float32', shape, { path: '', offset: 0, byteLength: 0 });
    },
  };
}

/** Shapes of everything `build` asks its scope for. */
export function recordParameters(build: (scope: Scope) => void): ParameterShapes {
  const shapes = new Map<string, readonly number[]>();
  build(rootScope(recordingSource(shapes), { flavour: 'cpu' }));
  return shapes;
}

/** All tensors of a U-Net by their paths below `model.diffusion_model`. */
export function unetParameters(config: UnetConfig): ParameterShapes {
  return recordParameters((scope) => unet(scope, config, unetInputs(config)));
}

/** All tensors of a VAE, encoder and decoder, by their paths below `first_stage_model`. */
export function vaeParameters(config: VaeConfig): ParameterShapes {
  return recordParameters((scope) => {
    vaeEncoder(scope, config, input('image', 'float32', ['batch', config.imageChannels, 'height', 'width']));
    vaeDecoder(scope, config, input('latent', 'float32', ['batch', config.embedDim, 'height', 'width']));
  });
}

/** All tensors of a text encoder by their paths below `text_model`. */
export function clipTextParameters(config: ClipTextConfig): ParameterShapes {
  return recordParameters((scope) => {
    clipText(scope, config, { tokenIds: input('tokenIds', 'int64', ['batch', config.contextLength]) });
  });
}

/** Prefixes of the parts of an SD 1.x checkpoint in the LDM layout. */
const SD1_PARTS = {
  unet: 'model.diffusion_model.',
  vae: 'first_stage_model.',
  text: 'cond_stage_model.transformer.text_model.',
} as const;

/** Matrices that SD 1.x stores as 1×1 convolutions. */
const ONE_BY_ONE = /(\.proj_(in|out)|\.mid\.attn_1\.(q|k|v|proj_out))\.weight$/;

/** Every tensor of an SD 1.x checkpoint under its LDM key, in the shape in which it is stored. */
export function sd1CheckpointParameters(config: CheckpointConfig): ParameterShapes {
  const parts: [string, ParameterShapes][] = [
    [SD1_PARTS.unet, unetParameters(config.unet)],
    [SD1_PARTS.vae, vaeParameters(config.vae)],
    [SD1_PARTS.text, clipTextParameters(config.textEncoders[0]!)],
  ];
  const named = parts.flatMap(([prefix, shapes]) =>
    [...shapes].map(([name, shape]) => [prefix + name, shape] as const),
  );
  return new Map(named.map(([name, shape]) => [name, ONE_BY_ONE.test(name) ? [...shape, 1, 1] : shape]));
}
