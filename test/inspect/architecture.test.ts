/** Inference undoes construction: the tensors that a config's graph asks for give that config back. */
import { describe, expect, it } from 'vitest';
import { inferClipText, inferUnet, inferVae } from '../../native-models/inspect/architecture.ts';
import {
  checkpointConfig,
  clipVisionConfig,
  controlNetConfig,
  textEncoderConfigs,
  unetConfig,
  vaeConfig,
} from '../../native-models/inspect/config.ts';
import { METADATA_KEY } from '../../native-models/inspect/overrides.ts';
import { inferUpscaler } from '../../native-models/inspect/upscaler.ts';
import {
  CLIP_L,
  OPEN_CLIP_BIG_G,
  OPEN_CLIP_H,
  SD15,
  SD21,
  SDXL,
  type UnetConfig,
} from '../../native-models/models/configs.ts';
import { clipTextParameters, unetParameters, vaeParameters } from '../../native-models/models/parameters.ts';
import { canonicalTensors } from '../../native-models/weights/keys.ts';
import type { TensorInfo, WeightsFile } from '../../native-models/weights/tensors.ts';
import { goldenCase, goldenTensors } from '../helpers/golden.ts';
import { namesAndShapes } from '../helpers/weightFiles.ts';

function tensorsOf(shapes: ReadonlyMap<string, readonly number[]>): ReadonlyMap<string, TensorInfo> {
  return namesAndShapes(Object.fromEntries(shapes)).tensors;
}

/** Graphs take either form of the projections around the transformers; SD1 files have convolutions. */
function unetTensors(config: UnetConfig): ReadonlyMap<string, TensorInfo> {
  const convolution = (name: string): boolean =>
    !config.useLinearProjection && /\.proj_(in|out)\.weight$/.test(name);
  const shapes = [...unetParameters(config)].map(
    ([name, shape]) => [name, convolution(name) ? [shape[0]!, shape[1]!, 1, 1] : shape] as const,
  );
  return tensorsOf(new Map(shapes));
}

/** SSD-1B: SDXL with fewer layers and a middle of one residual block. */
const SSD_1B: UnetConfig = {
  ...SDXL.unet,
  inputDepths: [0, 0, 2, 2, 4, 4],
  middleDepth: 0,
  outputDepths: [4, 4, 10, 2, 1, 1, 0, 0, 0],
};
const UNEVEN: UnetConfig = {
  ...SD15.unet,
  numResBlocks: [1, 2, 3],
  channelMult: [1, 2, 3],
  inputDepths: [0, 1, 1, 1, 1, 1],
  outputDepths: [1, 1, 1, 1, 1, 1, 1, 0, 0],
  outChannels: 8,
};

describe('the published models', () => {
  it.each([
    ['SD 1.5', SD15.unet],
    ['SD 1.5 inpaint', { ...SD15.unet, inChannels: 9 }],
    ['SD 2.1', SD21.unet],
    ['SDXL', SDXL.unet],
    ['SSD-1B', SSD_1B],
    ['uneven levels', UNEVEN],
  ])('U-Net of %s', (_name, config) => {
    expect(inferUnet(unetTensors(config), 'x')).toEqual(config);
  });

  it.each([
    ['SD', SD15.vae],
    [
      'two levels, other latent',
      { ...SD15.vae, channelMult: [1, 3], numResBlocks: 1, zChannels: 6, embedDim: 5, channels: 64 },
    ],
  ])('VAE of %s, whole and each half', (_name, config) => {
    const tensors = [...tensorsOf(vaeParameters(config))];
    const half = (name: string): ReadonlyMap<string, TensorInfo> =>
      new Map(tensors.filter(([key]) => !key.startsWith(name)));
    expect(inferVae(new Map(tensors), 'x', config.scalingFactor)).toEqual(config);
    expect(inferVae(half('encoder'), 'x', config.scalingFactor)).toEqual(config);
    expect(inferVae(half('decoder'), 'x', config.scalingFactor)).toEqual(config);
  });

  it.each([
    ['CLIP-L', CLIP_L],
    ['OpenCLIP H', OPEN_CLIP_H],
    ['OpenCLIP bigG', OPEN_CLIP_BIG_G],
  ])('text encoder %s', (_name, config) => {
    expect(inferClipText(tensorsOf(clipTextParameters(config)), 'x', config)).toEqual(config);
  });

  it('CLIP ViT-L/14 image encoder, 224 pixels', () => {
    const file = namesAndShapes({
      'vision_model.embeddings.patch_embedding.weight': [1024, 3, 14, 14],
      'vision_model.embeddings.position_embedding.weight': [257, 1024],
      'vision_model.encoder.layers.0.mlp.fc1.weight': [4096, 1024],
      'visual_projection.weight': [768, 1024],
    });
    const projection = { width: 768, layout: 'linear' };
    expect(clipVisionConfig(file)).toEqual({
      imageSize: 224,
      patchSize: 14,
      width: 1024,
      layers: 1,
      heads: 16,
      mlpWidth: 4096,
      activation: 'quick_gelu',
      projection,
    });
  });
});

interface LdmUnet {
  readonly in_channels: number;
  readonly model_channels: number;
  readonly channel_mult: readonly number[];
  readonly num_res_blocks: number;
  readonly context_dim: number;
  readonly adm_in_channels?: number;
  readonly num_heads?: number;
  readonly num_head_channels?: number;
}
interface ComfyUnet {
  readonly transformer_depth: readonly number[];
  readonly transformer_depth_output: readonly number[];
  readonly transformer_depth_middle: number;
}

/** ComfyUI lists the depths of output blocks from the shallowest up, and those of the input per block or per level. */
function expected(ldm: LdmUnet, comfy: ComfyUnet): Partial<UnetConfig> {
  return {
    inChannels: ldm.in_channels,
    modelChannels: ldm.model_channels,
    channelMult: ldm.channel_mult,
    numResBlocks: ldm.channel_mult.map(() => ldm.num_res_blocks),
    contextDim: ldm.context_dim,
    admChannels: ldm.adm_in_channels ?? 0,
    inputDepths: comfy.transformer_depth,
    outputDepths: comfy.transformer_depth_output.toReversed(),
    middleDepth: comfy.transformer_depth_middle,
  };
}

describe('golden models', () => {
  const shared = goldenTensors('_shared', 'sd1-tiny.safetensors');

  it.each(['ldm-unet-sd2', 'ldm-unet-sdxl'])('%s, given its heads', (name) => {
    const { config, comfyui_detected_config: comfy } = goldenCase<{
      config: LdmUnet;
      comfyui_detected_config: ComfyUnet;
    }>(name);
    const heads = { channels: config.num_head_channels! };
    const inferred = unetConfig(goldenTensors(name, 'weights.safetensors'), { unet: { heads } });
    expect(inferred).toMatchObject({ ...expected(config, comfy), heads, useLinearProjection: true });
  });

  it('a complete SD1 checkpoint', () => {
    const { config, comfyui_detected_config: comfy } = goldenCase<{
      config: LdmUnet;
      comfyui_detected_config: ComfyUnet;
    }>('ldm-unet-inpaint');
    const inferred = checkpointConfig(shared, { textEncoders: [{ heads: 3 }] });
    expect(inferred).toMatchObject({ architecture: 'sd15', predictionType: 'eps', zeroTerminalSnr: false });
    const marker = { ...shared.tensors.values().next().value!, name: 'ztsnr' };
    const marked = { ...shared, tensors: new Map([...shared.tensors, ['ztsnr', marker]]) };
    expect(checkpointConfig(marked, { textEncoders: [{ heads: 3 }] }).zeroTerminalSnr).toBe(true);
    expect(inferred.unet).toMatchObject({
      ...expected(config, comfy),
      inChannels: 4,
      heads: { count: 8 },
      useLinearProjection: false,
    });
    expect(inferred.vae).toEqual({ ...SD15.vae, channels: 32, channelMult: [1, 2, 1, 1] });
    expect(inferred.textEncoders).toEqual([{ ...CLIP_L, width: 24, layers: 4, heads: 3, mlpWidth: 96 }]);
  });

  it('the text encoders of SD2 and SDXL', () => {
    const sd2 = textEncoderConfigs(goldenTensors('clip-text', 'sd2_weights.safetensors'), 'sd21', {
      textEncoders: [{ heads: 4 }],
    });
    expect(sd2).toMatchObject([
      {
        width: 64,
        layers: 3,
        heads: 4,
        vocabSize: 600,
        activation: 'gelu',
        defaultClipSkip: 2,
        normalizeHidden: true,
        projection: { width: 48, layout: 'matrix' },
      },
    ]);
    const sdxl = textEncoderConfigs(goldenTensors('clip-text', 'sdxl_weights.safetensors'), 'sdxl', {
      textEncoders: [{ heads: 4 }, { heads: 4 }],
    });
    expect(sdxl).toMatchObject([
      {
        width: 32,
        layers: 4,
        activation: 'quick_gelu',
        padding: 'end',
        defaultClipSkip: 2,
        normalizeHidden: false,
      },
      {
        width: 48,
        layers: 3,
        activation: 'gelu',
        padding: 'zero',
        projection: { width: 40, layout: 'matrix' },
      },
    ]);
  });

  it('a ControlNet, hint encoder included', () => {
    const config = controlNetConfig(goldenTensors('controlnet', 'controlnet.safetensors'));
    expect(config).toMatchObject({
      hintChannels: 3,
      hintWidths: [16, 16, 32, 32, 96, 96, 256],
      inputDepths: [1, 1, 1, 1, 1, 1, 0, 0],
      middleDepth: 1,
      contextDim: 24,
    });
  });

  it.each([
    ['rrdb_x4', { kind: 'rrdb', features: 16, blocks: 2, growth: 4, unshuffle: 1, upsamples: 2, scale: 4 }],
    [
      'rrdb_x4_oldnames',
      { kind: 'rrdb', features: 16, blocks: 2, growth: 4, unshuffle: 1, upsamples: 2, scale: 4 },
    ],
    ['rrdb_x2', { kind: 'rrdb', features: 16, blocks: 2, growth: 4, unshuffle: 2, upsamples: 2, scale: 2 }],
    ['srvgg', { kind: 'srvgg', features: 16, convs: 4, scale: 4 }],
  ])('upscaler %s', (name, config) => {
    const file = goldenTensors('esrgan', `${name}.safetensors`);
    expect(inferUpscaler(canonicalTensors(file, 'upscaler'), file.path)).toEqual({
      ...config,
      imageChannels: 3,
    });
  });
});

describe('overrides', () => {
  const stated = (text: string): WeightsFile => ({
    ...goldenTensors('_shared', 'sd1-tiny.safetensors'),
    metadata: { [METADATA_KEY]: text },
  });

  it('come from the metadata, and from the caller above it', () => {
    const file = stated(
      '{"predictionType":"v","unet":{"headChannels":16,"normGroups":8},"vae":{"scalingFactor":1,"normGroups":4},"clip":{"heads":6,"activation":"gelu"}}',
    );
    const config = checkpointConfig(file, { vae: { normGroups: 16 } });
    expect(config).toMatchObject({
      predictionType: 'v',
      unet: { heads: { channels: 16 }, normGroups: 8 },
      vae: { scalingFactor: 1, normGroups: 16 },
      textEncoders: [{ heads: 6, activation: 'gelu' }],
    });
  });

  it('may state heads as our configs do, and the rest of a config beside', () => {
    expect(unetConfig(stated('{"unet":{"heads":{"count":4},"modelChannels":32}}')).heads).toEqual({
      count: 4,
    });
  });

  it('may bring the colours of previews along', () => {
    const latentToRgb = {
      matrix: [[0.1, 0.2, 0.3], [0, 0, 0], [-1, 0, 1], [0.5, 0.5, 0.5]],
      offset: [0.1, 0, -0.1],
    }; // biome-ignore format: a matrix, read as one
    const file = stated(JSON.stringify({ vae: { latentToRgb } }));
    expect(vaeConfig(file, 'sd15').latentToRgb).toEqual(latentToRgb);
  });

  it.each([
    [
      '{"vae":{"latentToRgb":{"matrix":[[1,2]],"offset":[0,0,0]}}}',
      /wrong at config\.vae\.latentToRgb\.matrix/,
    ],
    ['not JSON', /wrong at config/],
    ['{"unet":{"normGroups":-1}}', /wrong at config\.unet\.normGroups/],
    ['{"vae":{"scalingFactor":"0.18"}}', /wrong at config\.vae\.scalingFactor/],
    ['{"architecture":"flux"}', /wrong at config\.architecture/],
  ])('%s is refused', (text, message) => {
    expect(() => unetConfig(stated(text))).toThrow(message);
  });

  it('must fit the channels', () => {
    expect(() => unetConfig(stated('{"unet":{"headCount":7}}'))).toThrow(
      /32 channels cannot be divided into 7 .* State unet\.headChannels/,
    );
    expect(() => vaeConfig(stated('{"vae":{"normGroups":5}}'), 'sd15')).toThrow(/State vae\.normGroups/);
    expect(() => checkpointConfig(goldenTensors('ldm-unet-sd2', 'weights.safetensors'))).toThrow(
      /cannot be divided/,
    );
  });
});

describe('incomplete files', () => {
  it('name the part or tensor that is missing', () => {
    const unetOnly = goldenTensors('ldm-unet-sdxl', 'weights.safetensors');
    expect(() => checkpointConfig(unetOnly, { unet: { heads: { channels: 16 } } })).toThrow(
      /weights\.safetensors: this file has no VAE/,
    );
    expect(() => unetConfig(goldenTensors('esrgan', 'srvgg.safetensors'))).toThrow(/no U-Net/);
    const tensors = new Map(
      [...tensorsOf(unetParameters(SD15.unet))].filter(([name]) => name !== 'input_blocks.0.0.weight'),
    );
    expect(() => inferUnet(tensors, 'x')).toThrow(/"input_blocks\.0\.0\.weight" is missing/);
  });

  it('refuse widths that only a tensor without elements can have', () => {
    const unet = new Map([...tensorsOf(unetParameters(SD15.unet))]);
    const first = unet.get('input_blocks.0.0.weight')!;
    unet.set('input_blocks.0.0.weight', { ...first, shape: [2e9, 4, 3, 0] });
    expect(() => inferUnet(unet, 'x')).toThrow(/"input_blocks\.0\.0\.weight" has the shape \[2000000000/);
    const text = new Map([...tensorsOf(clipTextParameters(CLIP_L))]);
    const positions = text.get('embeddings.position_embedding.weight')!;
    text.set('embeddings.position_embedding.weight', { ...positions, shape: [90_000, 0] });
    expect(() => inferClipText(text, 'x', CLIP_L)).toThrow(/position_embedding\.weight" has the shape/);
  });

  it('refuse shapes that make no network', () => {
    const file = namesAndShapes({
      'body.0.weight': [16, 3, 3, 3],
      'body.1.weight': [16],
      'body.2.weight': [7, 16, 3, 3],
    });
    expect(() => inferUpscaler(canonicalTensors(file, 'upscaler'), 'x')).toThrow(/imply a scale of/);
    const flat = namesAndShapes({
      'conv_first.weight': [],
      'conv_last.weight': [],
      'body.0.rdb1.conv1.weight': [],
    });
    expect(() => inferUpscaler(canonicalTensors(flat, 'upscaler'), 'x')).toThrow(/has the shape \[\]/);
  });
});
