/** Is it a LoRA, by which method, and for which base: names and shapes first, the trainer's metadata last. */
import type { Architecture } from '../models/configs.ts';
import type { TensorInfo, WeightsFile } from '../weights/tensors.ts';
import { ARCHITECTURE_OF_CONTEXT } from './prediction.ts';

/** 'other' = a family that this app does not run (Flux, SD3 …); 'unknown' = nothing in the file tells. */
export type Base = Architecture | 'other' | 'unknown';

type LoraMethod = 'lora' | 'locon' | 'dora' | 'loha' | 'lokr' | 'oft' | 'glora' | 'full';

export interface LoraDetection {
  readonly type: 'lora';
  readonly base: Base;
  readonly method: LoraMethod;
}

const PREFIX = /^(lora_unet_|lora_te\d?_|lora_transformer_|lycoris_)/;
const SUFFIX =
  /(\.lora_(down|up|mid)\.weight|_lora\.(up|down)\.weight|\.lora_[AB]\.(default\.)?weight|\.lora\.(up|down)\.weight|\.lora_linear_layer\.(up|down)\.weight|\.hada_w\d_[ab]|\.lokr_w\d(_[ab])?|\.oft_(blocks|diag)|\.[ab][12]\.weight|\.dora_scale|\.diff(_b)?)$/;
/** Merged checkpoints sometimes carry stray LoRA keys: with these prefixes it is a checkpoint all the same. */
const MAIN_MODEL = /^(model\.diffusion_model|first_stage_model|cond_stage_model|conditioner\.embedders)\./;
const OTHER_FAMILY =
  /(double_blocks|single_blocks|joint_blocks|single_transformer_blocks|lora_transformer_|^transformer\.|diffusion_model\.(blocks|layers)\.)/;

/** The first that fits; a name ending "diff" holds a whole weight difference. */
const METHODS: readonly (readonly [RegExp, LoraMethod])[] = [
  [/\.hada_w1_a$/, 'loha'],
  [/\.lokr_w1(_a)?$/, 'lokr'],
  [/\.oft_(blocks|diag)$/, 'oft'],
  [/\.a1\.weight$/, 'glora'],
  [/\.dora_scale$/, 'dora'],
  [/\.diff(_b)?$/, 'full'],
];

/** undefined when the file is no LoRA. */
export function detectLora(file: WeightsFile): LoraDetection | undefined {
  const names = [...file.tensors.keys()];
  if (!names.some((name) => PREFIX.test(name) || SUFFIX.test(name))) return undefined;
  if (names.some((name) => MAIN_MODEL.test(name))) return undefined;
  return { type: 'lora', base: loraBase(file), method: methodOf(file) };
}

function methodOf(file: WeightsFile): LoraMethod {
  const names = [...file.tensors.keys()];
  const low = names.some((name) => /lora_down\.weight$|lora_A\.(default\.)?weight$|down\.weight$/.test(name));
  const found = METHODS.find(
    ([suffix, method]) => !(low && method === 'full') && names.some((name) => suffix.test(name)),
  );
  if (found) return found[1];
  const spatial = file.tensors
    .values()
    .some(({ name, shape }) => /lora_down\.weight$|lora_A\./.test(name) && (shape[2] ?? 1) > 1);
  return spatial ? 'locon' : 'lora';
}

function loraBase(file: WeightsFile): Base {
  const names = [...file.tensors.keys()];
  if (names.some((name) => OTHER_FAMILY.test(name))) return 'other';
  return (
    baseOfCrossAttention(file) ??
    baseOfText(file) ??
    baseOfDepth(names) ??
    baseOfMetadata(file.metadata) ??
    'unknown'
  );
}

/** The refiner's text embedding is 1280 wide: its LoRAs are SDXL's too. */
const BASE_OF_CONTEXT: ReadonlyMap<number | undefined, Architecture> = new Map([
  ...ARCHITECTURE_OF_CONTEXT,
  [1280, 'sdxl'],
]);

/** The second attention's k and v read the text embedding: their input width is the base's context width. */
function baseOfCrossAttention(file: WeightsFile): Architecture | undefined {
  for (const info of file.tensors.values()) {
    if (!/attn2[._](processor\.)?to_[kv][._]/.test(info.name)) continue;
    const base = BASE_OF_CONTEXT.get(inputWidth(file, info));
    if (base) return base;
  }
  return undefined;
}

/** How many inputs the adapted layer has, told from the factor that touches them; undefined for other factors. */
function inputWidth(file: WeightsFile, info: TensorInfo): number | undefined {
  if (/(lora_down\.weight|lora_A\.(default\.)?weight|down\.weight|hada_w1_b)$/.test(info.name))
    return info.shape[1];
  if (!info.name.endsWith('.lokr_w1')) return undefined;
  const stem = info.name.slice(0, -1);
  const second = file.tensors.get(`${stem}2`) ?? file.tensors.get(`${stem}2_b`);
  return (info.shape[1] ?? 0) * (second?.shape[1] ?? 0);
}

/** Only SDXL has a second text encoder; SD1 and SD2 differ in the width of their one. */
function baseOfText(file: WeightsFile): Architecture | undefined {
  const names = [...file.tensors.keys()];
  if (names.some((name) => /^(lora_te2_|text_encoder_2\.)/.test(name))) return 'sdxl';
  const text = file.tensors
    .values()
    .find(({ name }) =>
      /^(lora_te\d?_|text_encoder\.).*self_attn.*(down|lora_A)\.(default\.)?weight$/.test(name),
    );
  const width = text?.shape[1];
  return width === 768 ? 'sd15' : width === 1024 ? 'sd21' : undefined;
}

/** SD1 and SD2 have one transformer layer per block, SDXL up to ten. */
function baseOfDepth(names: readonly string[]): Architecture | undefined {
  return names.some((name) => /transformer_blocks[._]([2-9]|\d\d)[._]/.test(name)) ? 'sdxl' : undefined;
}

/** A1111's order: modelspec.architecture, ss_base_model_version, ss_v2. */
function baseOfMetadata(metadata: WeightsFile['metadata']): Base | undefined {
  const spec = metadata['modelspec.architecture'];
  if (spec !== undefined) return baseOfModelspec(spec);
  const version = metadata['ss_base_model_version'];
  if (version?.startsWith('sdxl_')) return 'sdxl';
  if (version !== undefined && !/^sd_v[12]/.test(version)) return 'other';
  const v2 = metadata['ss_v2'];
  return v2 === undefined ? undefined : v2 === 'True' ? 'sd21' : 'sd15';
}

function baseOfModelspec(spec: string): Base {
  if (spec.startsWith('stable-diffusion-xl')) return 'sdxl';
  if (spec.startsWith('stable-diffusion-v2')) return 'sd21';
  return spec.startsWith('stable-diffusion-v1') ? 'sd15' : 'other';
}
