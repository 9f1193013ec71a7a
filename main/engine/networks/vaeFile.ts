/** A VAE from a file of its own, without a checkpoint around it. */
import { basename } from 'node:path';
import { compileVaeDecoder, compileVaeEncoder } from '../../../native-models/compile.ts';
import { vaeConfig } from '../../../native-models/inspect/config.ts';
import type { ParameterSource } from '../../../native-models/layers/scope.ts';
import { type CheckpointConfig, SD15, SDXL } from '../../../native-models/models/configs.ts';
import { canonicalTensors } from '../../../native-models/weights/keys.ts';
import { openWeights } from '../../../native-models/weights/open.ts';
import { fileParameters } from '../../../native-models/weights/source.ts';
import type { EngineSettings } from '../border/protocol.ts';
import { vaeTileFor } from '../devices/memory.ts';
import type { SessionOptions } from '../runtime/sessions.ts';
import { vaeTargetOf } from '../weights/checkpoint.ts';
import { createNetworks, type Networks } from './networks.ts';

/** Only the VAE half of the networks may be asked; of the config only `vae` means anything. */
export interface OpenVae {
  readonly networks: Networks;
  readonly config: CheckpointConfig;
}

/** Reads the header only. Throws WeightsError when the file has no VAE. `pixels`: of the largest picture to come. */
export function openVaeFile(
  path: string,
  session: SessionOptions,
  settings: EngineSettings,
  pixels: number,
): OpenVae {
  const file = openWeights(path);
  // SD's and SDXL's VAEs have the same shapes and differ in their factor; only the name tells them apart.
  const family = /xl/i.test(basename(path)) ? SDXL : SD15;
  const vae = vaeConfig(file, family.architecture);
  const config: CheckpointConfig = { ...family, vae, textEncoders: [] };
  const source = (): ParameterSource => fileParameters(path, canonicalTensors(file, 'vae'));
  const target = vaeTargetOf(family, session.target);
  const noSuchPart = (): never => {
    throw new Error(`${path} holds a VAE and nothing else`);
  };
  const networks = createNetworks(
    {
      config,
      textEncoder: noSuchPart,
      unet: noSuchPart,
      outerUnet: noSuchPart,
      vaeEncoder: () => compileVaeEncoder(source(), vae, target),
      vaeDecoder: () => compileVaeDecoder(source(), vae, target),
    },
    {
      session,
      oneAtATime: settings.memory === 'low',
      vaeTile: () => vaeTileFor(pixels, settings.memory),
    },
  );
  return { networks, config };
}
