/** Configs from names and shapes alone, so that any width and depth opens. What weights cannot tell is a stated default. */
import {
  type Architecture,
  CLIP_L,
  type ClipTextConfig,
  type ClipVisionConfig,
  type ControlNetConfig,
  OPEN_CLIP_BIG_G,
  OPEN_CLIP_H,
  SD15,
  SDXL,
  SDXL_CLIP_L,
  type T2iAdapterConfig,
  type UnetConfig,
  type VaeConfig,
} from '../models/configs.ts';
import type { CanonicalTensors, Part } from '../weights/keys.ts';
import { type Shapes, shapesOf } from '../weights/shapes.ts';
import { WeightsError } from '../weights/tensors.ts';
import { architectureOf } from './prediction.ts';

/** Which text encoders each architecture has, in order, and what of them no weight tells. */
export const TEXT_ENCODERS: Record<
  Architecture,
  readonly { readonly part: Part; readonly like: ClipTextConfig }[]
> = {
  sd15: [{ part: 'clipL', like: CLIP_L }],
  sd21: [{ part: 'openClip', like: OPEN_CLIP_H }],
  sdxl: [
    { part: 'clipL', like: SDXL_CLIP_L },
    { part: 'openClip', like: OPEN_CLIP_BIG_G },
  ],
};

/** Far more tokens than any CLIP reads at once; its mask takes their square. */
const MOST_TOKENS = 1024;
/** CLIP's heads are all this wide. */
const CLIP_HEAD_CHANNELS = 64;

/**
 * A U-Net's config from its canonical tensors. Heads are a convention: SD1 has 8, SD2 and SDXL have as many as make
 * 64 channels each. Throws WeightsError when the structure is incomplete.
 */
export function inferUnet(tensors: CanonicalTensors, path: string): UnetConfig {
  const shapes = shapesOf(tensors, path);
  const encoder = inferEncoder(shapes, path);
  const outputs = encoder.numResBlocks.reduce((sum, count) => sum + count + 1, 0);
  return {
    ...encoder,
    outChannels: shapes.axis('out.2.weight', 0),
    outputDepths: Array.from({ length: outputs }, (_, block) => depthOf(shapes, `output_blocks.${block}.1`)),
  };
}

/** A ControlNet's config from its canonical tensors. Throws WeightsError when the structure is incomplete. */
export function inferControlNet(tensors: CanonicalTensors, path: string): ControlNetConfig {
  const shapes = shapesOf(tensors, path);
  const hint = (index: number): string => `input_hint_block.${2 * index}.weight`;
  const widths = Array.from({ length: shapes.count(hint) }, (_, index) => shapes.axis(hint(index), 0));
  return {
    ...inferEncoder(shapes, path),
    hintChannels: shapes.axis(hint(0), 1),
    hintWidths: widths.slice(0, -1),
  };
}

/** SDXL's adapters see the hint unshuffled by 16, so that a colour has 256 channels; the others by 8. */
const XL_UNSHUFFLED = [256, 768];
/** Both kinds have two blocks per level; nothing in the weights tells. */
const ADAPTER_BLOCKS = 2;

/** A full T2I-Adapter's config from its canonical tensors. Throws WeightsError when the structure is incomplete. */
export function inferT2iAdapter(tensors: CanonicalTensors, path: string): T2iAdapterConfig {
  const shapes = shapesOf(tensors, path);
  const blocks = shapes.count((block) => `body.${block}.block1.weight`);
  const unshuffled = shapes.axis('conv_in.weight', 1);
  const isXl = XL_UNSHUFFLED.includes(unshuffled);
  const unshuffle = isXl ? 16 : 8;
  const channels = Array.from({ length: Math.floor(blocks / ADAPTER_BLOCKS) }, (_, level) =>
    shapes.axis(`body.${level * ADAPTER_BLOCKS}.block1.weight`, 0),
  );
  return {
    hintChannels: unshuffled / unshuffle ** 2,
    unshuffle,
    channels,
    halvingLevels: isXl ? [2] : channels.map((_, level) => level).slice(1),
    blocksPerLevel: ADAPTER_BLOCKS,
    kernel: shapes.axis('body.0.block2.weight', 2),
  };
}

/** The half that U-Net and ControlNet share: everything up to the middle block. */
function inferEncoder(shapes: Shapes, path: string): Omit<UnetConfig, 'outChannels' | 'outputDepths'> {
  const modelChannels = shapes.axis('input_blocks.0.0.weight', 0);
  const attention = shapes.ending('.attn2.to_k.weight');
  const projection = shapes.ending('.proj_in.weight');
  if (attention === undefined || projection === undefined) {
    throw new WeightsError(
      path,
      'its U-Net has no cross-attention, so it takes no prompt',
      'Choose a text-to-image model',
    );
  }
  const contextDim = shapes.axis(attention, 1);
  const admChannels = shapes.has('label_emb.0.0.weight') ? shapes.axis('label_emb.0.0.weight', 1) : 0;
  const useLinearProjection = shapes.rank(projection) === 2;
  const architecture = architectureOf({ contextDim, admChannels, useLinearProjection });
  return {
    ...inferLevels(shapes, modelChannels),
    inChannels: shapes.axis('input_blocks.0.0.weight', 1),
    modelChannels,
    middleDepth: depthOf(shapes, 'middle_block.1'),
    contextDim,
    heads: (architecture === 'sd15' ? SD15 : SDXL).unet.heads,
    useLinearProjection,
    admChannels,
    normGroups: SD15.unet.normGroups,
  };
}

/** Walks input_blocks from 1: residual blocks, each level ended by a downsampler or by the end of the list. */
function inferLevels(
  shapes: Shapes,
  modelChannels: number,
): Pick<UnetConfig, 'channelMult' | 'numResBlocks' | 'inputDepths'> {
  const channelMult: number[] = [];
  const numResBlocks: number[] = [];
  const inputDepths: number[] = [];
  let inLevel = 0;
  for (let block = 1; ; block++) {
    const conv = `input_blocks.${block}.0.in_layers.2.weight`;
    if (shapes.has(conv)) {
      if (inLevel++ === 0) channelMult.push(shapes.axis(conv, 0) / modelChannels);
      numResBlocks[channelMult.length - 1] = inLevel;
      inputDepths.push(depthOf(shapes, `input_blocks.${block}.1`));
    } else if (shapes.has(`input_blocks.${block}.0.op.weight`)) inLevel = 0;
    else return { channelMult, numResBlocks, inputDepths };
  }
}

function depthOf(shapes: Shapes, block: string): number {
  return shapes.count((layer) => `${block}.transformer_blocks.${layer}.attn1.to_k.weight`);
}

/** A VAE's config from its canonical tensors; either half alone is enough. The scaling factor is not in the weights. */
export function inferVae(tensors: CanonicalTensors, path: string, scalingFactor: number): VaeConfig {
  const shapes = shapesOf(tensors, path);
  const decoder = shapes.has('decoder.conv_in.weight');
  const levels = decoder ? 'decoder.up' : 'encoder.down';
  const conv = (level: number, block: number): string => `${levels}.${level}.block.${block}.conv1.weight`;
  const channels = decoder
    ? shapes.axis('decoder.conv_out.weight', 1)
    : shapes.axis('encoder.conv_in.weight', 0);
  const zChannels = decoder
    ? shapes.axis('decoder.conv_in.weight', 1)
    : shapes.axis('encoder.conv_out.weight', 0) / 2;
  const levelCount = shapes.count((level) => conv(level, 0));
  return {
    imageChannels: decoder
      ? shapes.axis('decoder.conv_out.weight', 0)
      : shapes.axis('encoder.conv_in.weight', 1),
    channels,
    channelMult: Array.from({ length: levelCount }, (_, level) => shapes.axis(conv(level, 0), 0) / channels),
    numResBlocks: shapes.count((block) => conv(0, block)) - (decoder ? 1 : 0),
    zChannels,
    embedDim: embedDimOf(shapes) ?? zChannels,
    scalingFactor,
    normGroups: SD15.vae.normGroups,
  };
}

function embedDimOf(shapes: Shapes): number | undefined {
  if (shapes.has('post_quant_conv.weight')) return shapes.axis('post_quant_conv.weight', 1);
  return shapes.has('quant_conv.weight') ? shapes.axis('quant_conv.weight', 0) / 2 : undefined;
}

/** A text encoder's config from its canonical tensors; activation, padding and clip skip are those of `like`. */
export function inferClipText(tensors: CanonicalTensors, path: string, like: ClipTextConfig): ClipTextConfig {
  const shapes = shapesOf(tensors, path);
  const width = shapes.axis('embeddings.token_embedding.weight', 1);
  return {
    ...like,
    ...inferTransformer(shapes, width),
    vocabSize: shapes.axis('embeddings.token_embedding.weight', 0),
    contextLength: shapes.axis('embeddings.position_embedding.weight', 0, MOST_TOKENS),
    projection: inferProjection(shapes, 'text_projection'),
  };
}

/** An image encoder's config from its canonical tensors. */
export function inferClipVision(tensors: CanonicalTensors, path: string): ClipVisionConfig {
  const shapes = shapesOf(tensors, path);
  const patch = 'embeddings.patch_embedding.weight';
  const patchSize = shapes.axis(patch, 2);
  // One position for the class embedding, the others for a square of patches.
  const side = Math.round(Math.sqrt(shapes.axis('embeddings.position_embedding.weight', 0) - 1));
  const width = shapes.axis(patch, 0);
  return {
    ...inferTransformer(shapes, width),
    imageSize: side * patchSize,
    patchSize,
    // OpenAI's largest is ViT-L, 1024 wide; OpenCLIP's ViT-H and bigG are wider.
    activation: width <= 1024 ? 'quick_gelu' : 'gelu',
    projection: inferProjection(shapes, 'visual_projection'),
  };
}

function inferTransformer(
  shapes: Shapes,
  width: number,
): Pick<ClipTextConfig, 'width' | 'layers' | 'heads' | 'mlpWidth'> {
  const layers = shapes.count((layer) => `encoder.layers.${layer}.mlp.fc1.weight`);
  const mlpWidth = shapes.axis('encoder.layers.0.mlp.fc1.weight', 0);
  return { width, layers, heads: Math.max(1, Math.floor(width / CLIP_HEAD_CHANNELS)), mlpWidth };
}

/** `name` alone is a matrix [in, out], `name.weight` a linear [out, in]. */
function inferProjection(shapes: Shapes, name: string): ClipTextConfig['projection'] {
  if (shapes.has(name)) return { width: shapes.axis(name, 1), layout: 'matrix' };
  return shapes.has(`${name}.weight`) ? { width: shapes.axis(`${name}.weight`, 0), layout: 'linear' } : null;
}
