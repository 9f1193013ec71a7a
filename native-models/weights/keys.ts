/**
 * One name for every tensor, whoever saved it: each layout that is found in the wild, renamed to the canonical one.
 * Canonical are LDM's names for U-Net, VAE and ControlNet, Hugging Face's for CLIP, Real-ESRGAN's for upscalers,
 * all relative to the part ('input_blocks.0.0.weight'). Renaming moves no bytes; OpenCLIP's fused q/k/v are slices.
 */
import {
  diffusersControlNetModules,
  diffusersUnetBlocks,
  diffusersUnetModules,
  diffusersVaeExtent,
  diffusersVaeModules,
  renameByModule,
} from './diffusersKeys.ts';
import { openClipText, openClipVision } from './openClipKeys.ts';
import type { TensorInfo, WeightsFile } from './tensors.ts';

export type Part =
  | 'unet'
  | 'controlnet'
  | 't2iAdapter'
  | 'vae'
  | 'clipL'
  | 'openClip'
  | 'clipVision'
  | 'upscaler'
  | 'taesd';

/** Tensors by canonical name. A TensorInfo keeps the name that its file gives it, for messages. */
export type CanonicalTensors = ReadonlyMap<string, TensorInfo>;

type Tensors = Map<string, TensorInfo>;

/** A way to store a part: under a prefix, recognised by a tensor, renamed by a rule. */
interface Layout {
  readonly prefixes: readonly string[];
  /** A tensor that only this part in this layout has, below the prefix. */
  readonly marker: RegExp | string;
  readonly rename: (tensors: Tensors) => Tensors;
}

/**
 * The tensors of one part of a file; empty when the file does not have that part.
 * `model_ema.*`, training state and other parts are left out.
 */
export function canonicalTensors(file: WeightsFile, part: Part): CanonicalTensors {
  for (const layout of LAYOUTS[part]) {
    for (const prefix of layout.prefixes) {
      if (!hasMarker(file, prefix, layout.marker)) continue;
      const renamed = layout.rename(below(file, prefix));
      return new Map([...renamed].filter(([name]) => ROOTS[part].test(name)));
    }
  }
  return new Map();
}

/** What a part's canonical names begin with; anything else under the same prefix belongs to somebody else. */
const ROOTS: Record<Part, RegExp> = {
  unet: /^(time_embed|label_emb|input_blocks|middle_block|output_blocks|out)\./,
  controlnet:
    /^(time_embed|label_emb|input_blocks|middle_block|zero_convs|input_hint_block|middle_block_out)\./,
  t2iAdapter: /^(conv_in|body)\./,
  vae: /^(encoder|decoder|quant_conv|post_quant_conv)\./,
  clipL: /^(embeddings|encoder|final_layer_norm|text_projection)\b/,
  openClip: /^(embeddings|encoder|final_layer_norm|text_projection)\b/,
  clipVision: /^(embeddings|encoder|pre_layrnorm|post_layernorm|visual_projection)\b/,
  upscaler: /^(conv_first|body|conv_body|conv_up\d|conv_hr|conv_last)\./,
  taesd: /^(encoder|decoder)\.\d+\./,
};

const UPSCALER_PREFIXES = ['params_ema.', 'params.', 'module.', ''] as const;

const LAYOUTS: Record<Part, readonly Layout[]> = {
  unet: [
    {
      prefixes: ['model.diffusion_model.', 'diffusion_model.', 'unet.', ''],
      marker: 'out.2.weight',
      rename: same,
    },
    { prefixes: ['unet.', ''], marker: 'up_blocks.0.resnets.0.conv1.weight', rename: fromDiffusersUnet },
  ],
  controlnet: [
    { prefixes: ['control_model.', ''], marker: 'zero_convs.0.0.weight', rename: same },
    { prefixes: ['controlnet.', ''], marker: 'controlnet_mid_block.weight', rename: fromDiffusersControlNet },
  ],
  t2iAdapter: [
    { prefixes: ['adapter.', ''], marker: /^body\.0\.block1\.weight$/, rename: same },
    {
      prefixes: ['adapter.', ''],
      marker: /^body\.0\.resnets\.0\.block1\.weight$/,
      rename: fromDiffusersT2iAdapter,
    },
  ],
  vae: [
    {
      prefixes: ['first_stage_model.', 'vae.', ''],
      marker: /^(encoder|decoder)\.mid\.block_1\.conv1\.weight$/,
      rename: (tensors) => withVaeAttention(tensors),
    },
    {
      prefixes: ['first_stage_model.', 'vae.', ''],
      marker: /^(encoder|decoder)\.mid_block\.resnets\.0\.conv1\.weight$/,
      rename: fromDiffusersVae,
    },
  ],
  clipL: [
    {
      prefixes: [
        'cond_stage_model.transformer.',
        'conditioner.embedders.0.transformer.',
        'text_encoders.clip_l.transformer.',
        'clip_l.transformer.',
        'text_encoder.',
        '',
      ],
      marker: /^(text_model\.)?embeddings\.token_embedding\.weight$/,
      rename: (tensors) => withoutPrefix(tensors, 'text_model.'),
    },
    { prefixes: [''], marker: 'transformer.resblocks.0.attn.in_proj_weight', rename: openClipText },
  ],
  openClip: [
    {
      prefixes: [
        'cond_stage_model.model.',
        'conditioner.embedders.1.model.',
        'conditioner.embedders.0.model.',
        '',
      ],
      marker: 'transformer.resblocks.0.attn.in_proj_weight',
      rename: openClipText,
    },
    {
      prefixes: [
        'text_encoders.clip_g.transformer.',
        'text_encoders.clip_h.transformer.',
        'clip_g.transformer.',
        'clip_h.transformer.',
        'text_encoder_2.',
        '',
      ],
      marker: 'text_model.embeddings.token_embedding.weight',
      rename: (tensors) => withoutPrefix(tensors, 'text_model.'),
    },
  ],
  clipVision: [
    {
      prefixes: ['image_encoder.', 'clip_vision.', ''],
      marker: 'vision_model.embeddings.patch_embedding.weight',
      rename: (tensors) => withoutPrefix(tensors, 'vision_model.'),
    },
    {
      prefixes: ['embedder.model.', 'cond_stage_model.model.', ''],
      marker: 'visual.conv1.weight',
      rename: openClipVision,
    },
  ],
  upscaler: [
    { prefixes: UPSCALER_PREFIXES, marker: /^(conv_first\.weight|body\.0\.weight)$/, rename: fromBsrgan },
    {
      prefixes: UPSCALER_PREFIXES,
      marker: /^model\.1\.sub\.0\.RDB1\.conv1\.0\.weight$/,
      rename: fromOldEsrgan,
    },
  ],
  taesd: [
    {
      prefixes: [''],
      marker: /^taesd_(encoder|decoder)\.\d+\./,
      rename: (tensors) => mapNames(tensors, (name) => name.replace(/^taesd_/, '')),
    },
    { prefixes: [''], marker: 'decoder.layers.0.weight', rename: fromDiffusersTaesd },
    // Bare files: the decoder begins with a clamp (0), so its first convolution is 1; the encoder's is 0.
    {
      prefixes: [''],
      marker: /^0\.weight$/,
      rename: (tensors) => mapNames(tensors, (name) => `encoder.${name}`),
    },
    {
      prefixes: [''],
      marker: /^1\.weight$/,
      rename: (tensors) => mapNames(tensors, (name) => `decoder.${name}`),
    },
  ],
};

function hasMarker(file: WeightsFile, prefix: string, marker: RegExp | string): boolean {
  if (typeof marker === 'string') return file.tensors.has(prefix + marker);
  return file.tensors
    .keys()
    .some((name) => name.startsWith(prefix) && marker.test(name.slice(prefix.length)));
}

function below(file: WeightsFile, prefix: string): Tensors {
  const found: Tensors = new Map();
  for (const [name, info] of file.tensors)
    if (name.startsWith(prefix)) found.set(name.slice(prefix.length), info);
  return found;
}

function same(tensors: Tensors): Tensors {
  return tensors;
}

/** Renames every tensor; those for which `rename` has no answer are left out. */
function mapNames(tensors: Tensors, rename: (name: string) => string | undefined): Tensors {
  const renamed: Tensors = new Map();
  for (const [name, info] of tensors) {
    const canonical = rename(name);
    if (canonical !== undefined) renamed.set(canonical, info);
  }
  return renamed;
}

function withoutPrefix(tensors: Tensors, prefix: string): Tensors {
  return mapNames(tensors, (name) => (name.startsWith(prefix) ? name.slice(prefix.length) : name));
}

function fromDiffusersUnet(tensors: Tensors): Tensors {
  const modules = diffusersUnetModules(diffusersUnetBlocks(tensors.keys()));
  return mapNames(tensors, (name) => renameByModule(name, modules));
}

function fromDiffusersControlNet(tensors: Tensors): Tensors {
  const modules = diffusersControlNetModules(diffusersUnetBlocks(tensors.keys()));
  return mapNames(tensors, (name) => renameByModule(name, modules));
}

/** diffusers has a list of blocks per level, where the original counts through; a level's in_conv is its first block's. */
function fromDiffusersT2iAdapter(tensors: Tensors): Tensors {
  const perLevel = [...tensors.keys()].filter((name) =>
    /^body\.0\.resnets\.\d+\.block1\.weight$/.test(name),
  ).length;
  return mapNames(tensors, (name) => {
    const [, level, block = '0', rest] = /^body\.(\d{1,2})\.(?:resnets\.(\d{1,2})\.)?(.+)$/.exec(name) ?? [];
    return level === undefined ? name : `body.${Number(level) * perLevel + Number(block)}.${rest}`;
  });
}

function fromDiffusersVae(tensors: Tensors): Tensors {
  const { levels, numResBlocks } = diffusersVaeExtent(tensors.keys());
  const modules = diffusersVaeModules(levels, numResBlocks);
  return withVaeAttention(mapNames(tensors, (name) => renameByModule(name, modules)));
}

/** The three generations of names for the VAE's attention: today's, those before 2023 ("query"), and LDM's own. */
const VAE_ATTENTION: ReadonlyMap<string, string> = new Map([
  ['group_norm', 'norm'],
  ['to_q', 'q'],
  ['to_k', 'k'],
  ['to_v', 'v'],
  ['to_out.0', 'proj_out'],
  ['query', 'q'],
  ['key', 'k'],
  ['value', 'v'],
  ['proj_attn', 'proj_out'],
]);

/** Gives the attention LDM's names and shapes: a [C, C] linear is the same bytes as a [C, C, 1, 1] convolution. */
function withVaeAttention(tensors: Tensors): Tensors {
  const canonical: Tensors = new Map();
  for (const [name, info] of tensors) {
    const [, block, layer, rest] = /^(.*\.mid\.attn_1)\.(.+)\.(weight|bias)$/.exec(name) ?? [];
    if (block === undefined || layer === undefined) canonical.set(name, info);
    else {
      const shape = info.shape.length === 2 ? [...info.shape, 1, 1] : info.shape;
      canonical.set(`${block}.${VAE_ATTENTION.get(layer) ?? layer}.${rest}`, { ...info, shape });
    }
  }
  return canonical;
}

const BSRGAN_MODULES: ReadonlyMap<string, string> = new Map([
  ['trunk_conv', 'conv_body'],
  ['upconv1', 'conv_up1'],
  ['upconv2', 'conv_up2'],
  ['upconv3', 'conv_up3'],
  ['HRconv', 'conv_hr'],
]);

/** BSRGAN's names; Real-ESRGAN's own and SRVGG's pass unchanged. */
function fromBsrgan(tensors: Tensors): Tensors {
  return mapNames(tensors, (name) => {
    const [, block, dense, conv] = /^RRDB_trunk\.(\d+)\.RDB(\d)\.(conv\d\..+)$/.exec(name) ?? [];
    return block === undefined
      ? (renameByModule(name, BSRGAN_MODULES) ?? name)
      : `body.${block}.rdb${dense}.${conv}`;
  });
}

/**
 * ESRGAN as first released: one long `model` list with activations and upsampling counted in. Those of its members
 * that have weights are, in order: conv_first, the trunk (1), one convolution per ×2, conv_hr, conv_last.
 */
function fromOldEsrgan(tensors: Tensors): Tensors {
  const indices = [...tensors.keys()]
    .flatMap((name) => /^model\.(\d+)\.weight$/.exec(name)?.[1] ?? [])
    .map(Number);
  indices.sort((a, b) => a - b);
  const ups = indices.slice(1, -2).map((_, i) => `conv_up${i + 1}`);
  const modules = new Map(
    ['conv_first', ...ups, 'conv_hr', 'conv_last'].map((module, i) => [`model.${indices[i]}`, module]),
  );
  return mapNames(tensors, (name) => {
    const [, block, dense, conv, rest] =
      /^model\.1\.sub\.(\d+)\.RDB(\d)\.(conv\d)\.0(\..+)$/.exec(name) ?? [];
    if (block !== undefined) return `body.${block}.rdb${dense}.${conv}${rest}`;
    return renameByModule(name, modules) ?? name.replace(/^model\.1\.sub\.\d+\./, 'conv_body.');
  });
}

/** diffusers' AutoencoderTiny has no clamp layer in its decoder, so everything there sits one place earlier. */
function fromDiffusersTaesd(tensors: Tensors): Tensors {
  return mapNames(tensors, (name) => {
    const [, half, index, rest] = /^(encoder|decoder)\.layers\.(\d+)\.(.+)$/.exec(name) ?? [];
    return half === undefined ? undefined : `${half}.${Number(index) + (half === 'decoder' ? 1 : 0)}.${rest}`;
  });
}
