/** The tiny checkpoint that several cases share, opened by the engine's own networks. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createNetworks, type Networks } from '../../main/engine/networks/networks.ts';
import { DEFAULT_SESSION } from '../../main/engine/runtime/sessions.ts';
import {
  compileClipText,
  compileOuterUnet,
  compileUnet,
  compileVaeDecoder,
  compileVaeEncoder,
} from '../../native-models/compile.ts';
import { type CheckpointConfig, SD15 } from '../../native-models/models/configs.ts';
import { canonicalTensors } from '../../native-models/weights/keys.ts';
import { fileParameters } from '../../native-models/weights/source.ts';
import { openTensors } from './caseFolder.ts';
import {
  clipConfigOf,
  type HfClipText,
  type LdmUnet,
  type LdmVae,
  unetConfigOf,
  vaeConfigOf,
} from './ldmConfigs.ts';
import { unetWeights } from './ldmUnet.ts';

interface SharedConfig {
  readonly config: { readonly unet: LdmUnet; readonly clip: HfClipText; readonly vae: LdmVae };
}

/** Opens an SD 1.x `file` whose sizes stand in shared.json beside it; an override of 9 input channels makes it an inpaint model. */
export function openSharedCheckpoint(
  caseDir: string,
  weights: { file: string; override?: string },
): Networks {
  const file = openTensors(caseDir, weights.file);
  const shared = JSON.parse(readFileSync(join(dirname(file.path), 'shared.json'), 'utf8')) as SharedConfig;
  const { unet, clip, vae } = shared.config;
  const unetTensors = unetWeights(caseDir, weights);
  const config: CheckpointConfig = {
    ...SD15,
    unet: { ...unetConfigOf(unet), inChannels: unetTensors.get('input_blocks.0.0.weight')!.shape[1]! },
    vae: vaeConfigOf(vae),
    textEncoders: [clipConfigOf(clip)],
  };
  const source = (part: 'clipL' | 'vae'): ReturnType<typeof fileParameters> =>
    fileParameters(file.path, canonicalTensors(file, part));
  const unetSource = fileParameters(file.path, unetTensors);
  const graphs = {
    config,
    textEncoder: () => compileClipText(source('clipL'), config.textEncoders[0]!, { flavour: 'cpu' }).graph,
    unet: () => compileUnet(unetSource, config.unet, { flavour: 'cpu' }).graph,
    outerUnet: () => compileOuterUnet(unetSource, config.unet, { flavour: 'cpu' }).graph,
    vaeEncoder: () => compileVaeEncoder(source('vae'), config.vae, { flavour: 'cpu' }),
    vaeDecoder: () => compileVaeDecoder(source('vae'), config.vae, { flavour: 'cpu' }),
  };
  return createNetworks(graphs, { session: DEFAULT_SESSION, oneAtATime: false, vaeTile: () => 4096 });
}
