/** The smallest useful SD 1.x checkpoint: two levels, random weights, CLIP's whole vocabulary. For tests that load it often. */
import { join } from 'node:path';
import { input } from '../../native-models/graph/value.ts';
import { SD15 } from '../../native-models/models/configs.ts';
import { controlNet } from '../../native-models/models/controlnet.ts';
import { recordParameters } from '../../native-models/models/parameters.ts';
import { writeRandomCheckpoint, writeRandomWeights } from '../../native-models/weights/randomCheckpoint.ts';

const UNET = {
  ...SD15.unet,
  numResBlocks: [1, 1],
  channelMult: [1, 2],
  inputDepths: [1, 1],
  outputDepths: [1, 1, 1, 1],
  modelChannels: 32,
  contextDim: 48,
};

/** Writes it into `folder`; returns its path. */
export async function smallCheckpoint(folder: string): Promise<string> {
  const path = join(folder, 'small.safetensors');
  const [text] = SD15.textEncoders;
  await writeRandomCheckpoint(
    path,
    {
      ...SD15,
      unet: UNET,
      vae: { ...SD15.vae, channels: 32, channelMult: [1, 1, 1, 1], numResBlocks: 1 },
      textEncoders: [{ ...text!, width: 48, layers: 2, heads: 4, mlpWidth: 96 }],
    },
    1,
  );
  return path;
}

/** Writes a ControlNet for it into `folder`, whose convolutions are not zero; returns its path. */
export async function smallControlNet(folder: string): Promise<string> {
  const path = join(folder, 'small-control.safetensors');
  const float = (name: string, ...shape: (number | string)[]) => input(name, 'float32', shape);
  const config = { ...UNET, hintChannels: 3, hintWidths: [16, 16, 32, 32, 96, 96, 256] };
  const shapes = recordParameters((scope) => {
    controlNet(scope.at('control_model'), config, {
      latent: float('latent', 'batch', UNET.inChannels, 'height', 'width'),
      timestep: float('timestep', 'batch'),
      context: float('context', 'batch', 77, UNET.contextDim),
      hint: float('hint', 'hints', 3, 'hintHeight', 'hintWidth'),
    });
  });
  // Without the text encoder beside it its heads cannot be told.
  await writeRandomWeights(path, shapes, 2, {
    'emulsion.config': JSON.stringify({ unet: { headCount: 8 } }),
  });
  return path;
}
