/** The config of an ESRGAN-family upscaler from the names and shapes of its tensors. */
import type { EsrganConfig, RrdbConfig, SrvggConfig } from '../models/configs.ts';
import type { CanonicalTensors } from '../weights/keys.ts';
import { type Shapes, shapesOf } from '../weights/shapes.ts';
import { WeightsError } from '../weights/tensors.ts';

/** Real-ESRGAN's ×2 and ×1 networks see the picture pixel-unshuffled: 3 · 2² and 3 · 4² channels. */
const UNSHUFFLE_OF_CHANNELS: ReadonlyMap<number, number> = new Map([
  [12, 2],
  [48, 4],
]);

/** Whether the canonical tensors are an RRDBNet's or a compact SRVGG's. */
export function upscalerKind(tensors: CanonicalTensors): EsrganConfig['kind'] | undefined {
  if (tensors.has('conv_first.weight') && tensors.has('body.0.rdb1.conv1.weight')) return 'rrdb';
  // A one-dimensional body.1 is the PReLU; T2I adapters and others also have a body.
  return tensors.has('body.0.weight') && tensors.get('body.1.weight')?.shape.length === 1
    ? 'srvgg'
    : undefined;
}

/** Throws WeightsError when the tensors are neither, or the scale that they imply is not a whole number. */
export function inferUpscaler(tensors: CanonicalTensors, path: string): EsrganConfig {
  const shapes = shapesOf(tensors, path);
  const kind = upscalerKind(tensors);
  if (kind === undefined)
    throw new WeightsError(path, 'this is not an ESRGAN upscaler', 'Choose an RRDB or SRVGG model');
  const config = kind === 'rrdb' ? inferRrdb(shapes) : inferSrvgg(shapes);
  if (Number.isInteger(config.scale) && config.scale > 0) return config;
  throw new WeightsError(
    path,
    `its shapes imply a scale of ${config.scale}`,
    'Use an undamaged ESRGAN model',
  );
}

function inferRrdb(shapes: Shapes): RrdbConfig {
  const unshuffle = UNSHUFFLE_OF_CHANNELS.get(shapes.axis('conv_first.weight', 1)) ?? 1;
  const upsamples = shapes.count((index) => `conv_up${index + 1}.weight`);
  return {
    kind: 'rrdb',
    imageChannels: shapes.axis('conv_last.weight', 0),
    features: shapes.axis('conv_first.weight', 0),
    blocks: shapes.count((block) => `body.${block}.rdb1.conv1.weight`),
    growth: shapes.axis('body.0.rdb1.conv1.weight', 0),
    unshuffle,
    upsamples,
    scale: 2 ** upsamples / unshuffle,
  };
}

/** The body alternates convolutions (even) and PReLUs (odd); the last convolution makes scale² pictures' worth of channels. */
function inferSrvgg(shapes: Shapes): SrvggConfig {
  const length = shapes.count((index) => `body.${index}.weight`);
  const imageChannels = shapes.axis('body.0.weight', 1);
  return {
    kind: 'srvgg',
    imageChannels,
    features: shapes.axis('body.0.weight', 0),
    convs: (length - 3) / 2,
    scale: Math.sqrt(shapes.axis(`body.${length - 1}.weight`, 0) / imageChannels),
  };
}
