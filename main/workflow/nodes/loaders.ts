/** Nodes that name a model file. Nothing is loaded here: the value says which file, and which LoRAs on it. */
import { z } from 'zod';
import type { LoraChoice } from '../../engine/conditions/loras.ts';
import { node } from '../parts/node.ts';
import { decimal, socket } from '../parts/sockets.ts';

const name = z.string();
/** ComfyUI allows ±100; beyond a few any picture is lost. */
const strength = decimal(-100, 100);

export const LOADERS = {
  CheckpointLoaderSimple: node({
    inputs: { ckpt_name: name },
    files: { ckpt_name: 'checkpoints' },
    outputs: ['MODEL', 'CLIP', 'VAE'],
    run: ({ ckpt_name: checkpoint }) => [
      { checkpoint, loras: [] },
      { checkpoint, loras: [], clipSkip: 1 },
      { kind: 'checkpoint', path: checkpoint },
    ],
  }),
  LoraLoader: node({
    inputs: {
      model: socket('MODEL'),
      clip: socket('CLIP'),
      lora_name: name,
      strength_model: strength,
      strength_clip: strength,
    },
    files: { lora_name: 'loras' },
    outputs: ['MODEL', 'CLIP'],
    run: ({ model, clip, lora_name, strength_model, strength_clip }) => {
      const lora = { path: lora_name, unetWeight: strength_model, textWeight: strength_clip };
      return [withLora(model, lora), withLora(clip, lora)];
    },
  }),
  VAELoader: node({
    inputs: { vae_name: name },
    files: { vae_name: 'vae' },
    outputs: ['VAE'],
    run: ({ vae_name }) => [{ kind: 'vae', path: vae_name }],
  }),
  ControlNetLoader: node({
    inputs: { control_net_name: name },
    files: { control_net_name: 'controlnet' },
    outputs: ['CONTROL_NET'],
    run: ({ control_net_name }) => [{ path: control_net_name }],
  }),
  UpscaleModelLoader: node({
    inputs: { model_name: name },
    files: { model_name: 'upscale_models' },
    outputs: ['UPSCALE_MODEL'],
    run: ({ model_name }) => [{ path: model_name }],
  }),
};

/** Model and text encoder carry both weights, so that the two of one chain are the same for the engine. */
function withLora<T extends { readonly loras: readonly LoraChoice[] }>(to: T, lora: LoraChoice): T {
  if (lora.unetWeight === 0 && lora.textWeight === 0) return to;
  return { ...to, loras: [...to.loras, lora] };
}
