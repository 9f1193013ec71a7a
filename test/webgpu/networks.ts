/** Every network once, as small as its structure allows, with the weights of noise. */

import { NOISE_WEIGHTS } from '../../main/engine/devices/probe.ts';
import {
  compileClipText,
  compileClipVision,
  compileControlNet,
  compileHintEncoder,
  compileTaesdDecoder,
  compileUpscaler,
  compileVaeDecoder,
  compileVaeEncoder,
} from '../../native-models/compile.ts';
import type { Graph } from '../../native-models/graph/build.ts';
import type { Target } from '../../native-models/layers/scope.ts';
import { isLinear } from '../../native-models/lora/adapter.ts';
import { CLIP_L, SD15 } from '../../native-models/models/configs.ts';

const CLIP = { width: 32, layers: 2, heads: 2, mlpWidth: 64 } as const;
const VAE = { ...SD15.vae, channels: 16, channelMult: [1, 1, 1, 1], numResBlocks: 1, normGroups: 8 };
const UNET = {
  ...SD15.unet,
  modelChannels: 32,
  channelMult: [1, 2],
  numResBlocks: [1, 1],
  inputDepths: [1, 1],
};
const CONTROL = {
  ...UNET,
  contextDim: 32,
  heads: { count: 2 },
  normGroups: 8,
  hintChannels: 3,
  hintWidths: [8, 8, 8, 8, 8, 8, 8],
};

/** Graphs by name; the small U-Net with LoRAs and control is the device probe's own. */
export const NETWORK_GRAPHS: Readonly<Record<string, (target: Target) => Graph>> = {
  'text encoder': (target) =>
    compileClipText(NOISE_WEIGHTS, { ...CLIP_L, ...CLIP, vocabSize: 100 }, { ...target, lora: isLinear }).graph,
  'image encoder': (target) =>
    compileClipVision(
      NOISE_WEIGHTS,
      { ...CLIP, activation: 'gelu', imageSize: 32, patchSize: 8, projection: { width: 16, layout: 'linear' } },
      target,
    ),
  ControlNet: (target) => compileControlNet(NOISE_WEIGHTS, CONTROL, target).graph,
  'hint encoder': (target) => compileHintEncoder(NOISE_WEIGHTS, CONTROL, target),
  'VAE encoder': (target) => compileVaeEncoder(NOISE_WEIGHTS, VAE, target),
  'VAE decoder': (target) => compileVaeDecoder(NOISE_WEIGHTS, VAE, target),
  'tiny decoder': (target) => compileTaesdDecoder(NOISE_WEIGHTS, { latentChannels: 4, width: 8 }, target),
  'RRDB upscaler': (target) =>
    compileUpscaler(
      NOISE_WEIGHTS,
      { kind: 'rrdb', imageChannels: 3, features: 8, blocks: 1, growth: 4, unshuffle: 2, upsamples: 2, scale: 2 },
      target,
    ),
  'SRVGG upscaler': (target) =>
    compileUpscaler(NOISE_WEIGHTS, { kind: 'srvgg', imageChannels: 3, features: 8, convs: 2, scale: 4 }, target),
}; // biome-ignore format: one network a row
