/** `/object_info`: the nodes this studio understands, in ComfyUI's description of inputs and outputs. */
import type { ModelType } from '../../preload/models.ts';
import { SAMPLERS, SCHEDULES } from '../../preload/request.ts';
import type { Services } from '../app/services.ts';
import { cardsWhere } from '../library/cards.ts';

type Inputs = Readonly<Record<string, readonly unknown[]>>;

/** File names by type, as graphs name models. */
export function fileNames({ db, places }: Services, type: ModelType): string[] {
  return cardsWhere(
    db,
    places.urls,
    "coalesce(m.user_type, m.type) = ? AND m.state = 'ready' ORDER BY m.file_name",
    type,
  ).map(({ fileName }) => fileName);
}

const int = (fallback: number, min: number, max: number) => ['INT', { default: fallback, min, max }];
const float = (fallback: number, min: number, max: number) => [
  'FLOAT',
  { default: fallback, min, max, step: 0.01 },
];
const TEXT = ['STRING', { multiline: true, dynamicPrompts: true }];
const SIZE = ['INT', { default: 512, min: 64, max: 16384, step: 8 }];

/** Name → [inputs, outputs, is an output]. */
export function nodeInfo(s: Services) {
  const choice = (type: ModelType) => [fileNames(s, type), {}];
  // biome-ignore format: one table, read across
  const nodes: Readonly<Record<string, readonly [inputs: Inputs, outputs: readonly string[], output?: boolean]>> = {
    CheckpointLoaderSimple: [{ ckpt_name: choice('checkpoint') }, ['MODEL', 'CLIP', 'VAE']],
    LoraLoader: [{ model: ['MODEL'], clip: ['CLIP'], lora_name: choice('lora'), strength_model: float(1, -4, 4), strength_clip: float(1, -4, 4) }, ['MODEL', 'CLIP']],
    VAELoader: [{ vae_name: choice('vae') }, ['VAE']],
    CLIPSetLastLayer: [{ clip: ['CLIP'], stop_at_clip_layer: int(-1, -24, -1) }, ['CLIP']],
    CLIPTextEncode: [{ text: TEXT, clip: ['CLIP'] }, ['CONDITIONING']],
    EmptyLatentImage: [{ width: SIZE, height: SIZE, batch_size: int(1, 1, 64) }, ['LATENT']],
    KSampler: [{ model: ['MODEL'], seed: int(0, 0, 2 ** 53), steps: int(20, 1, 1000), cfg: float(8, 0, 100), sampler_name: [SAMPLERS, {}], scheduler: [SCHEDULES, {}], positive: ['CONDITIONING'], negative: ['CONDITIONING'], latent_image: ['LATENT'], denoise: float(1, 0, 1) }, ['LATENT']],
    VAEDecode: [{ samples: ['LATENT'], vae: ['VAE'] }, ['IMAGE']],
    VAEEncode: [{ pixels: ['IMAGE'], vae: ['VAE'] }, ['LATENT']],
    VAEEncodeForInpaint: [{ pixels: ['IMAGE'], vae: ['VAE'], mask: ['MASK'], grow_mask_by: int(6, 0, 64) }, ['LATENT']],
    SetLatentNoiseMask: [{ samples: ['LATENT'], mask: ['MASK'] }, ['LATENT']],
    LoadImage: [{ image: [[], { image_upload: true }] }, ['IMAGE', 'MASK']],
    LoadImageMask: [{ image: [[], { image_upload: true }], channel: [['alpha', 'red', 'green', 'blue'], {}] }, ['MASK']],
    ControlNetLoader: [{ control_net_name: choice('controlnet') }, ['CONTROL_NET']],
    ControlNetApplyAdvanced: [{ positive: ['CONDITIONING'], negative: ['CONDITIONING'], control_net: ['CONTROL_NET'], image: ['IMAGE'], strength: float(1, 0, 4), start_percent: float(0, 0, 1), end_percent: float(1, 0, 1) }, ['CONDITIONING', 'CONDITIONING']],
    UpscaleModelLoader: [{ model_name: choice('upscaler') }, ['UPSCALE_MODEL']],
    ImageUpscaleWithModel: [{ upscale_model: ['UPSCALE_MODEL'], image: ['IMAGE'] }, ['IMAGE']],
    SaveImage: [{ images: ['IMAGE'], filename_prefix: ['STRING', { default: 'ComfyUI' }] }, [], true],
    PreviewImage: [{ images: ['IMAGE'] }, [], true],
  };
  return Object.fromEntries(
    Object.entries(nodes).map(([name, [required, output, isOutput = false]]) => [
      name,
      described(name, required, output, isOutput),
    ]),
  );
}

function described(name: string, required: Inputs, output: readonly string[], isOutput: boolean) {
  return {
    input: { required },
    input_order: { required: Object.keys(required) },
    output,
    output_is_list: output.map(() => false),
    output_name: output,
    name,
    display_name: name,
    description: '',
    category: 'emulsion',
    python_module: 'nodes',
    output_node: isOutput,
  };
}
