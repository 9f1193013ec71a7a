/** The smallest useful SD 1.x checkpoint: two levels, random weights, CLIP's whole vocabulary. For tests that load it often. */
import { join } from 'node:path';
import { SD15 } from '../../native-models/models/configs.ts';
import { writeRandomCheckpoint } from '../../native-models/weights/randomCheckpoint.ts';

/** Writes it into `folder`; returns its path. */
export async function smallCheckpoint(folder: string): Promise<string> {
  const path = join(folder, 'small.safetensors');
  const [text] = SD15.textEncoders;
  const shared = {
    numResBlocks: [1, 1],
    channelMult: [1, 2],
    inputDepths: [1, 1],
    outputDepths: [1, 1, 1, 1],
  };
  await writeRandomCheckpoint(
    path,
    {
      ...SD15,
      unet: { ...SD15.unet, ...shared, modelChannels: 32, contextDim: 48 },
      vae: { ...SD15.vae, channels: 32, channelMult: [1, 1, 1, 1], numResBlocks: 1 },
      textEncoders: [{ ...text!, width: 48, layers: 2, heads: 4, mlpWidth: 96 }],
    },
    1,
  );
  return path;
}
