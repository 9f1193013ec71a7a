/** Detection over every row of the table of model types, on golden files where there are some, else on their names. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { detect } from '../../native-models/inspect/detect.ts';
import { METADATA_KEY } from '../../native-models/inspect/overrides.ts';
import { openSafetensors } from '../../native-models/weights/safetensors.ts';
import { floatSource, writeSafetensors } from '../../native-models/weights/safetensorsWriter.ts';
import type { WeightsFile } from '../../native-models/weights/tensors.ts';
import { goldenTensors } from '../helpers/golden.ts';
import { namesAndShapes, temporaryFolder } from '../helpers/weightFiles.ts';

type Shapes = Readonly<Record<string, readonly number[]>>;

/** The tensors of a U-Net that detection looks at. */
function unetShapes(
  context: number,
  { input = 4, linear = false, prefix = 'model.diffusion_model.', adm = 0 } = {},
): Shapes {
  return {
    [`${prefix}input_blocks.0.0.weight`]: [320, input, 3, 3],
    [`${prefix}out.2.weight`]: [4, 320, 3, 3],
    [`${prefix}input_blocks.4.1.proj_in.weight`]: linear ? [640, 640] : [640, 640, 1, 1],
    [`${prefix}input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight`]: [640, context],
    ...(adm > 0 && { [`${prefix}label_emb.0.0.weight`]: [1280, adm] }),
  };
}

const SDXL_SHAPES = unetShapes(2048, { linear: true, adm: 2816 });

describe('golden files', () => {
  it.each([
    ['_shared', 'sd1-tiny', { type: 'checkpoint', base: 'sd15', variant: 'normal', predictionType: 'eps' }],
    ['ldm-unet-sd2', 'weights', { type: 'checkpoint', base: 'sd21', variant: 'normal' }],
    ['ldm-unet-sdxl', 'weights', { type: 'checkpoint', base: 'sdxl', variant: 'normal' }],
    ['controlnet', 'controlnet', { type: 'controlnet', base: 'unknown', kind: 'normal' }],
    ['lora', 'lora_kohya_a', { type: 'lora', method: 'lora' }],
    ['lora', 'lora_kohya_locon_b', { type: 'lora', method: 'locon' }],
    ['lora', 'lora_peft', { type: 'lora', method: 'lora' }],
    ['lora', 'lora_diffusers_old', { type: 'lora', method: 'lora' }],
    ['esrgan', 'rrdb_x4', { type: 'upscaler', kind: 'rrdb' }],
    ['esrgan', 'rrdb_x4_oldnames', { type: 'upscaler', kind: 'rrdb' }],
    ['esrgan', 'srvgg', { type: 'upscaler', kind: 'srvgg' }],
    ['textual-inversion', 'tiny-a1111', { type: 'embedding', base: 'unknown', tokens: 4 }],
    ['textual-inversion', 'tiny-diffusers', { type: 'embedding', tokens: 1 }],
    ['textual-inversion', 'tiny-sdxl', { type: 'embedding', base: 'sdxl', tokens: 2 }],
    ['clip-text', 'sd2_weights', { type: 'text-encoder', width: 64 }],
  ])('%s/%s', (folder, name, expected) => {
    expect(detect(goldenTensors(folder, `${name}.safetensors`))).toMatchObject(expected);
  });
});

describe('diffusion models', () => {
  it.each<[string, Shapes, object]>([
    ['SD 1', unetShapes(768), { type: 'checkpoint', base: 'sd15', variant: 'normal', predictionType: 'eps' }],
    ['SD 1 inpaint', unetShapes(768, { input: 9 }), { base: 'sd15', variant: 'inpaint' }],
    ['instruct-pix2pix', unetShapes(768, { input: 8 }), { base: 'sd15', variant: 'pix2pix' }],
    [
      'SD 2 depth',
      unetShapes(1024, { input: 5, linear: true }),
      { base: 'sd21', variant: 'depth', predictionType: 'eps' },
    ],
    ['SDXL', SDXL_SHAPES, { base: 'sdxl', predictionType: 'eps', zeroTerminalSnr: false }],
    [
      'SDXL with v and zero terminal SNR',
      { ...SDXL_SHAPES, v_pred: [0], ztsnr: [0] },
      { predictionType: 'v', zeroTerminalSnr: true },
    ],
    [
      'a merged checkpoint with stray LoRA keys',
      { ...unetShapes(768), 'lora_te_x.lora_down.weight': [4, 768] },
      { type: 'checkpoint' },
    ],
    ['the diffusion model alone', unetShapes(768, { prefix: '' }), { type: 'unet', base: 'sd15' }],
    [
      'a diffusers U-Net',
      {
        'conv_in.weight': [320, 9, 3, 3],
        'conv_out.weight': [4, 320, 3, 3],
        'up_blocks.0.resnets.0.conv1.weight': [1280, 2560, 3, 3],
        'down_blocks.0.resnets.0.conv1.weight': [320, 320, 3, 3],
        'down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight': [320, 1024],
      },
      { type: 'unet', base: 'sd21', variant: 'inpaint' },
    ],
    [
      'the refiner',
      unetShapes(1280, { adm: 2560, linear: true }),
      { type: 'unsupported', what: 'the SDXL refiner' },
    ],
    [
      'an unheard-of variant',
      unetShapes(768, { input: 7 }),
      { type: 'unsupported', what: 'a diffusion model of 7 input channels' },
    ],
    [
      'SD 3',
      { 'model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight': [1] },
      { type: 'unsupported', what: 'Stable Diffusion 3' },
    ],
    ['Flux', { 'double_blocks.0.img_attn.qkv.weight': [1] }, { type: 'unsupported', what: 'Flux' }],
    [
      'SVD',
      { ...unetShapes(1024), 'model.diffusion_model.input_blocks.1.0.time_stack.in_layers.0.weight': [1] },
      { type: 'unsupported', what: 'Stable Video Diffusion' },
    ],
    ['Playground 2.5', { ...SDXL_SHAPES, edm_mean: [4], edm_std: [4] }, { type: 'unsupported' }],
  ])('%s', (_name, shapes, expected) => {
    expect(detect(namesAndShapes(shapes))).toMatchObject(expected);
  });

  it('believes the metadata about v and about what it belongs to', () => {
    const spec = { 'modelspec.prediction_type': 'v' };
    expect(detect(namesAndShapes(unetShapes(768), spec))).toMatchObject({ predictionType: 'v' });
    const ours = { [METADATA_KEY]: '{"architecture":"sd21","predictionType":"v"}' };
    expect(detect(namesAndShapes(unetShapes(128), ours))).toMatchObject({
      base: 'sd21',
      predictionType: 'v',
    });
    expect(detect(namesAndShapes(unetShapes(128)))).toMatchObject({ base: 'sd15', predictionType: 'eps' });
  });

  it.each([
    ['v', 0.2],
    ['eps', 0.05],
  ])('tells %s of SD 2 by the spread of a bias', async (predictionType, spread) => {
    const path = join(temporaryFolder(), 'sd2.safetensors');
    const shapes = {
      ...unetShapes(1024, { linear: true }),
      'model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias': [320],
    };
    const sources = Object.entries(shapes).map(([name, shape]) => {
      const count = shape.reduce((a, b) => a * b, 1);
      return floatSource(
        name,
        shape,
        Float32Array.from({ length: count }, (_, i) => (i % 2 ? spread : -spread)),
        'F16',
      );
    });
    await writeSafetensors(path, sources);
    const file = openSafetensors(path);
    expect(detect(file)).toMatchObject({ base: 'sd21', predictionType });
    expect(detect({ ...file, metadata: { global_step: '220000' } })).toMatchObject({ predictionType: 'eps' });
  });
});

describe('LoRAs', () => {
  const attention = 'lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k';
  it.each<[string, Shapes, object]>([
    ['kohya, SD 1', { [`${attention}.lora_down.weight`]: [8, 768] }, { base: 'sd15', method: 'lora' }],
    ['kohya, SD 2', { [`${attention}.lora_down.weight`]: [8, 1024] }, { base: 'sd21' }],
    [
      'kohya, SDXL',
      { 'lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_v.lora_down.weight': [8, 2048] },
      { base: 'sdxl' },
    ],
    [
      'peft',
      { 'unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight': [8, 768] },
      { base: 'sd15' },
    ],
    [
      'diffusers',
      { 'unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.lora.down.weight': [8, 2048] },
      { base: 'sdxl' },
    ],
    [
      'old diffusers',
      {
        'unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.processor.to_v_lora.down.weight': [
          8, 768,
        ],
      },
      { base: 'sd15' },
    ],
    [
      'LoCon',
      {
        [`${attention}.lora_down.weight`]: [8, 768],
        'lora_unet_down_blocks_0_resnets_0_conv1.lora_down.weight': [4, 320, 3, 3],
      },
      { method: 'locon' },
    ],
    [
      'DoRA',
      { [`${attention}.lora_down.weight`]: [8, 768], [`${attention}.dora_scale`]: [640, 1] },
      { method: 'dora', base: 'sd15' },
    ],
    [
      'LoHa',
      { [`${attention}.hada_w1_a`]: [640, 8], [`${attention}.hada_w1_b`]: [8, 768] },
      { method: 'loha', base: 'sd15' },
    ],
    [
      'LoKr',
      { [`${attention}.lokr_w1`]: [8, 8], [`${attention}.lokr_w2`]: [80, 128] },
      { method: 'lokr', base: 'sd21' },
    ],
    [
      'LoKr in factors',
      {
        [`${attention}.lokr_w1`]: [8, 16],
        [`${attention}.lokr_w2_a`]: [80, 4],
        [`${attention}.lokr_w2_b`]: [4, 128],
      },
      { method: 'lokr', base: 'sdxl' },
    ],
    ['OFT', { 'lora_unet_x.oft_blocks': [4, 8, 8] }, { method: 'oft', base: 'unknown' }],
    ['GLoRA', { 'lora_unet_x.a1.weight': [8, 8], 'lora_unet_x.b1.weight': [8, 8] }, { method: 'glora' }],
    ['full differences', { 'lora_unet_x.diff': [8, 8] }, { method: 'full' }],
    [
      'text only, SD 1',
      { 'lora_te_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight': [8, 768] },
      { base: 'sd15' },
    ],
    [
      'text only, SDXL',
      {
        'lora_te1_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight': [8, 768],
        'lora_te2_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight': [8, 1280],
      },
      { base: 'sdxl' },
    ],
    [
      'deep transformers',
      { 'lora_unet_middle_block_1_transformer_blocks_9_ff_net_2.lora_down.weight': [8, 5120] },
      { base: 'sdxl' },
    ],
    ['Flux', { 'lora_unet_double_blocks_0_img_attn_proj.lora_down.weight': [8, 3072] }, { base: 'other' }],
    ['SD 3', { 'transformer.transformer_blocks.0.attn.to_q.lora_A.weight': [8, 1536] }, { base: 'other' }],
  ])('%s', (_name, shapes, expected) => {
    expect(detect(namesAndShapes(shapes))).toMatchObject({ type: 'lora', ...expected });
  });

  it.each([
    [{ 'modelspec.architecture': 'stable-diffusion-xl-v1-base/lora', ss_v2: 'False' }, 'sdxl'],
    [{ 'modelspec.architecture': 'stable-diffusion-v2-768-v/lora' }, 'sd21'],
    [{ 'modelspec.architecture': 'flux-1-dev/lora' }, 'other'],
    [{ ss_base_model_version: 'sdxl_base_v1-0', ss_v2: 'False' }, 'sdxl'],
    [{ ss_base_model_version: 'sd_v1', ss_v2: 'False' }, 'sd15'],
    [{ ss_v2: 'True' }, 'sd21'],
    [{}, 'unknown'],
  ] as const)('falls back on the metadata %j', (metadata, base) => {
    const file = namesAndShapes(
      { 'lora_unet_x.lora_down.weight': [8, 24] },
      metadata as WeightsFile['metadata'],
    );
    expect(detect(file)).toMatchObject({ type: 'lora', base });
  });
});

describe('everything else', () => {
  const control = {
    'zero_convs.0.0.weight': [320, 320, 1, 1],
    'input_hint_block.0.weight': [16, 3, 3, 3],
    'input_blocks.0.0.weight': [320, 4, 3, 3],
  };
  const crossAttention = (width: number): Shapes => ({
    'input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight': [640, width],
  });
  it.each<[string, Shapes, object]>([
    [
      'ControlNet, SD 1',
      { ...control, ...crossAttention(768) },
      { type: 'controlnet', base: 'sd15', kind: 'normal' },
    ],
    [
      'ControlNet within its checkpoint',
      {
        ...Object.fromEntries(
          Object.entries({ ...control, ...crossAttention(1024) }).map(([k, v]) => [`control_model.${k}`, v]),
        ),
        ...unetShapes(1024),
      },
      { type: 'controlnet', base: 'sd21' },
    ],
    ['difference ControlNet', { ...control, difference: [0] }, { type: 'controlnet', kind: 'difference' }],
    [
      'diffusers ControlNet',
      {
        'controlnet_mid_block.weight': [1280, 1280, 1, 1],
        'down_blocks.1.resnets.0.conv1.weight': [1],
        'down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight': [640, 2048],
      },
      { type: 'controlnet', base: 'sdxl' },
    ],
    [
      'union ControlNet',
      { 'controlnet_mid_block.weight': [1280, 1280, 1, 1], task_embedding: [6, 320] },
      { type: 'controlnet', kind: 'union' },
    ],
    [
      'Control-LoRA',
      { lora_controlnet: [0], 'input_blocks.1.0.emb_layers.1.down': [1] },
      { type: 'control-lora', base: 'sdxl' },
    ],
    [
      'ControlNet-LLLite',
      { 'lllite_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q.down.0.weight': [1] },
      { type: 'controlnet-lllite' },
    ],
    [
      'T2I adapter, SD 1',
      { 'adapter.body.0.resnets.0.block1.weight': [1], 'adapter.conv_in.weight': [320, 192, 3, 3] },
      { type: 't2i-adapter', base: 'sd15', kind: 'full' },
    ],
    [
      'T2I adapter, SDXL',
      { 'body.0.block2.weight': [1], 'conv_in.weight': [320, 768, 3, 3] },
      { type: 't2i-adapter', base: 'sdxl', kind: 'full' },
    ],
    [
      'T2I adapter, light',
      { 'body.0.in_conv.weight': [320, 64, 1, 1] },
      { type: 't2i-adapter', base: 'sd15', kind: 'light' },
    ],
    [
      'IP-Adapter',
      { 'image_proj.proj.weight': [1], 'ip_adapter.1.to_k_ip.weight': [640, 2048] },
      { type: 'ip-adapter', base: 'sdxl' },
    ],
    [
      'VAE',
      {
        'first_stage_model.decoder.mid.block_1.conv1.weight': [1],
        'first_stage_model.decoder.conv_in.weight': [512, 4, 3, 3],
      },
      { type: 'vae', base: 'unknown' },
    ],
    [
      'diffusers VAE',
      { 'decoder.mid_block.resnets.0.conv1.weight': [1], 'decoder.conv_in.weight': [512, 4, 3, 3] },
      { type: 'vae' },
    ],
    [
      'VAE of Flux',
      { 'decoder.mid.block_1.conv1.weight': [1], 'decoder.conv_in.weight': [512, 16, 3, 3] },
      { type: 'unsupported' },
    ],
    ['TAESD', { 'taesd_decoder.1.weight': [64, 4, 3, 3] }, { type: 'taesd', latentChannels: 4 }],
    [
      'bare TAESD decoder',
      { '1.weight': [64, 16, 3, 3], '3.conv.0.weight': [64, 64, 3, 3] },
      { type: 'taesd', latentChannels: 16 },
    ],
    [
      'bare TAESD encoder',
      { '0.weight': [64, 3, 3, 3], '3.conv.0.weight': [1], '14.weight': [4, 64, 3, 3] },
      { type: 'taesd', latentChannels: 4 },
    ],
    [
      'text encoder',
      { 'text_model.embeddings.token_embedding.weight': [49408, 1280] },
      { type: 'text-encoder', width: 1280, hasImageEncoder: false },
    ],
    [
      'CLIP pair',
      {
        'text_model.embeddings.token_embedding.weight': [49408, 512],
        'vision_model.embeddings.patch_embedding.weight': [768, 3, 32, 32],
      },
      { type: 'text-encoder', hasImageEncoder: true },
    ],
    [
      'image encoder',
      { 'vision_model.embeddings.patch_embedding.weight': [1024, 3, 14, 14], a: [1], b: [1], c: [1] },
      { type: 'image-encoder', width: 1024 },
    ],
    ['embedding, SD 2', { emb_params: [8, 1024] }, { type: 'embedding', base: 'sd21', tokens: 8 }],
    [
      'embedding from a .pt',
      { 'string_to_param.*': [2, 768], 'string_to_token.*': [] },
      { type: 'embedding', base: 'sd15', tokens: 2 },
    ],
    [
      'BSRGAN',
      { 'params.conv_first.weight': [64, 3, 3, 3], 'params.RRDB_trunk.0.RDB1.conv1.weight': [32, 64, 3, 3] },
      { type: 'upscaler', kind: 'rrdb' },
    ],
    [
      'SwinIR',
      {
        'params_ema.layers.0.residual_group.blocks.0.norm1.weight': [180],
        'params_ema.conv_first.weight': [180, 3, 3, 3],
      },
      { type: 'unsupported', what: 'a SwinIR upscaler' },
    ],
    [
      'HAT',
      { 'params_ema.layers.0.residual_group.overlap_attn.norm1.weight': [1, 1, 1] },
      { type: 'unsupported', what: 'a HAT upscaler' },
    ],
    ['nothing we know', { 'x.weight': [1, 2, 3], y: [4] }, { type: 'unknown', names: ['x.weight', 'y'] }],
    ['no tensors', {}, { type: 'unknown', names: [] }],
  ])('%s', (_name, shapes, expected) => {
    expect(detect(namesAndShapes(shapes))).toMatchObject(expected);
  });

  it('takes the hint of an "xl" in the name of a VAE', () => {
    const file = namesAndShapes({
      'decoder.mid.block_1.conv1.weight': [1],
      'decoder.conv_in.weight': [512, 4, 3, 3],
    });
    expect(detect({ ...file, path: '/models/sdxl_vae.safetensors' })).toEqual({ type: 'vae', base: 'sdxl' });
  });
});
