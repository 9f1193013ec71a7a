/** The nodes this studio understands, with ComfyUI's inputs and outputs: what `/object_info` shows and `/prompt` is checked by. */
import type { ModelType } from '../../../preload/models.ts';
import { SAMPLERS, SCHEDULES } from '../../../preload/request.ts';
import type { Services } from '../../app/services.ts';
import { fromComfy } from '../../images/recall/names.ts';
import { cardsWhere } from '../../library/cards.ts';
import { resolveModel } from '../../library/resolve.ts';
import {
  choice,
  decimal,
  flag,
  type Input,
  inputInfo,
  integer,
  link,
  oneOf,
  PICTURE,
  PIXELS,
  SIZE,
  TEXT,
  words,
} from './inputs.ts';

export interface ComfyNodeKind {
  readonly required: Readonly<Record<string, Input>>;
  readonly optional: Readonly<Record<string, Input>>;
  /** Types by slot. */
  readonly outputs: readonly string[];
  /** Gives its pictures to whoever asked. */
  readonly isOutput: boolean;
}

/** File names by type, as graphs name models. */
export function fileNames({ db, places }: Services, type: ModelType): string[] {
  return cardsWhere(
    db,
    places.urls,
    "coalesce(m.user_type, m.type) = ? AND m.state = 'ready' ORDER BY m.file_name",
    type,
  ).map(({ fileName }) => fileName);
}

const [MODEL, CLIP, VAE, IMAGE, MASK, LATENT] = ['MODEL', 'CLIP', 'VAE', 'IMAGE', 'MASK', 'LATENT'].map(
  link,
) as [Input, Input, Input, Input, Input, Input];
const CONDITIONING = link('CONDITIONING');
/** ComfyUI's `_gpu` variants draw their noise elsewhere; they are known, not listed. */
const SAMPLER = choice(SAMPLERS, (name) => fromComfy(name, undefined).sampler !== undefined);
const SCHEDULER = choice(SCHEDULES, (name) => fromComfy(undefined, name).schedule !== undefined);
const BOTH = { positive: CONDITIONING, negative: CONDITIONING };
const SWITCH = oneOf('enable', 'disable');
const SEED = integer(0, 0, 2 ** 64);
const CORNER = { x: integer(0, 0, 16384), y: integer(0, 0, 16384) };
const AREA = { width: PIXELS, height: PIXELS };
const SCALING = oneOf('nearest-exact', 'bilinear', 'area', 'bicubic', 'lanczos');
const LATENT_SCALING = oneOf('nearest-exact', 'bilinear', 'area', 'bicubic', 'bislerp');
const CUT = oneOf('disabled', 'center');
const SAMPLING = {
  model: MODEL,
  ...BOTH,
  latent_image: LATENT,
  steps: integer(20, 1, 1000),
  cfg: decimal(8, 0, 100),
  sampler_name: SAMPLER,
  scheduler: SCHEDULER,
};

type Row = readonly [
  required: ComfyNodeKind['required'],
  outputs: readonly string[],
  more?: Partial<ComfyNodeKind>,
];

/** Every node by its class. Models may be named with or without folder and ending, as the library finds them. */
export function nodeKinds(s: Services): ReadonlyMap<string, ComfyNodeKind> {
  const model = (type: ModelType) =>
    choice(fileNames(s, type), (name) => resolveModel(s.db, { name }, undefined, type) !== undefined);
  // biome-ignore format: one table, read across
  const rows: Readonly<Record<string, Row>> = {
    CheckpointLoaderSimple: [{ ckpt_name: model('checkpoint') }, ['MODEL', 'CLIP', 'VAE']],
    LoraLoader: [{ model: MODEL, clip: CLIP, lora_name: model('lora'), strength_model: decimal(1, -4, 4), strength_clip: decimal(1, -4, 4) }, ['MODEL', 'CLIP']],
    VAELoader: [{ vae_name: model('vae') }, ['VAE']],
    CLIPSetLastLayer: [{ clip: CLIP, stop_at_clip_layer: integer(-1, -24, -1) }, ['CLIP']],
    CLIPTextEncode: [{ text: TEXT, clip: CLIP }, ['CONDITIONING']],
    EmptyLatentImage: [{ width: SIZE, height: SIZE, batch_size: integer(1, 1, 64) }, ['LATENT']],
    RepeatLatentBatch: [{ samples: LATENT, amount: integer(1, 1, 64) }, ['LATENT']],
    LatentUpscale: [{ samples: LATENT, upscale_method: LATENT_SCALING, ...AREA, crop: CUT }, ['LATENT']],
    LatentUpscaleBy: [{ samples: LATENT, upscale_method: LATENT_SCALING, scale_by: decimal(1.5, 0.01, 8) }, ['LATENT']],
    KSampler: [{ ...SAMPLING, seed: SEED, denoise: decimal(1, 0, 1) }, ['LATENT']],
    KSamplerAdvanced: [{ ...SAMPLING, add_noise: SWITCH, noise_seed: SEED, start_at_step: integer(0, 0, 10000), end_at_step: integer(10000, 0, 10000), return_with_leftover_noise: SWITCH }, ['LATENT']],
    VAEDecode: [{ samples: LATENT, vae: VAE }, ['IMAGE']],
    VAEEncode: [{ pixels: IMAGE, vae: VAE }, ['LATENT']],
    VAEEncodeForInpaint: [{ pixels: IMAGE, vae: VAE, mask: MASK, grow_mask_by: integer(6, 0, 64) }, ['LATENT']],
    InpaintModelConditioning: [{ ...BOTH, vae: VAE, pixels: IMAGE, mask: MASK }, ['CONDITIONING', 'CONDITIONING', 'LATENT'], { optional: { noise_mask: flag(true) } }],
    SetLatentNoiseMask: [{ samples: LATENT, mask: MASK }, ['LATENT']],
    LoadImage: [{ image: PICTURE }, ['IMAGE', 'MASK']],
    LoadImageMask: [{ image: PICTURE, channel: oneOf('alpha', 'red', 'green', 'blue') }, ['MASK']],
    CropMask: [{ mask: MASK, ...CORNER, ...AREA }, ['MASK']],
    ImageScale: [{ image: IMAGE, upscale_method: SCALING, ...AREA, crop: CUT }, ['IMAGE']],
    ImageCrop: [{ image: IMAGE, ...AREA, ...CORNER }, ['IMAGE']],
    ImageCompositeMasked: [{ destination: IMAGE, source: IMAGE, ...CORNER, resize_source: flag(false) }, ['IMAGE'], { optional: { mask: MASK } }],
    RepeatImageBatch: [{ image: IMAGE, amount: integer(1, 1, 64) }, ['IMAGE']],
    Canny: [{ image: IMAGE, low_threshold: decimal(0.4, 0, 1), high_threshold: decimal(0.8, 0, 1) }, ['IMAGE']],
    ControlNetLoader: [{ control_net_name: model('controlnet') }, ['CONTROL_NET']],
    ControlNetApply: [{ conditioning: CONDITIONING, control_net: link('CONTROL_NET'), image: IMAGE, strength: decimal(1, 0, 4) }, ['CONDITIONING']],
    ControlNetApplyAdvanced: [{ ...BOTH, control_net: link('CONTROL_NET'), image: IMAGE, strength: decimal(1, 0, 4), start_percent: decimal(0, 0, 1), end_percent: decimal(1, 0, 1) }, ['CONDITIONING', 'CONDITIONING'], { optional: { vae: VAE } }],
    UpscaleModelLoader: [{ model_name: model('upscaler') }, ['UPSCALE_MODEL']],
    ImageUpscaleWithModel: [{ upscale_model: link('UPSCALE_MODEL'), image: IMAGE }, ['IMAGE']],
    SaveImage: [{ images: IMAGE, filename_prefix: words('ComfyUI') }, [], { isOutput: true }],
    PreviewImage: [{ images: IMAGE }, [], { isOutput: true }],
  };
  return new Map(
    Object.entries(rows).map(([name, [required, outputs, more]]) => [
      name,
      { required, outputs, optional: {}, isOutput: false, ...more },
    ]),
  );
}

/** Every node as `/object_info` describes it. */
export function nodeInfo(s: Services): Record<string, object> {
  return Object.fromEntries([...nodeKinds(s)].map(([name, kind]) => [name, described(name, kind)]));
}

function described(name: string, { required, optional, outputs, isOutput }: ComfyNodeKind) {
  const shown = (inputs: ComfyNodeKind['required']) =>
    Object.fromEntries(Object.entries(inputs).map(([input, kind]) => [input, inputInfo(kind)]));
  const hasOptional = Object.keys(optional).length > 0;
  return {
    input: { required: shown(required), ...(hasOptional && { optional: shown(optional) }) },
    input_order: { required: Object.keys(required), ...(hasOptional && { optional: Object.keys(optional) }) },
    output: outputs,
    output_is_list: outputs.map(() => false),
    output_name: outputs,
    name,
    display_name: name,
    description: '',
    category: 'emulsion',
    python_module: 'nodes',
    output_node: isOutput,
  };
}
