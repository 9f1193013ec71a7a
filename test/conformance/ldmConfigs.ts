/** The architecture configs that reference cases state in their upstream's own words, as ours. */
import type { ClipTextConfig, UnetConfig, VaeConfig } from '../../native-models/models/configs.ts';
import { CLIP_L, SD15 } from '../../native-models/models/configs.ts';

/** CompVis' and Stability's UNetModel arguments. */
export interface LdmUnet {
  readonly in_channels: number;
  readonly out_channels: number;
  readonly model_channels: number;
  readonly channel_mult: readonly number[];
  readonly num_res_blocks: number;
  /** Downsampling factors at which there is attention. */
  readonly attention_resolutions: readonly number[];
  readonly num_heads?: number;
  readonly num_head_channels?: number;
  readonly context_dim: number;
  readonly transformer_depth: number | readonly number[];
  readonly use_linear_in_transformer?: boolean;
  readonly adm_in_channels?: number;
}

export function unetConfigOf(ldm: LdmUnet): UnetConfig {
  const depthAt = (level: number): number => {
    if (!ldm.attention_resolutions.includes(2 ** level)) return 0;
    return typeof ldm.transformer_depth === 'number' ? ldm.transformer_depth : ldm.transformer_depth[level]!;
  };
  const levels = ldm.channel_mult.map((_, level) => level);
  const repeated = (level: number, count: number): number[] => new Array<number>(count).fill(depthAt(level));
  const deepest =
    typeof ldm.transformer_depth === 'number' ? ldm.transformer_depth : ldm.transformer_depth.at(-1)!;
  return {
    inChannels: ldm.in_channels,
    outChannels: ldm.out_channels,
    modelChannels: ldm.model_channels,
    channelMult: ldm.channel_mult,
    numResBlocks: levels.map(() => ldm.num_res_blocks),
    inputDepths: levels.flatMap((level) => repeated(level, ldm.num_res_blocks)),
    middleDepth: deepest,
    outputDepths: levels.toReversed().flatMap((level) => repeated(level, ldm.num_res_blocks + 1)),
    contextDim: ldm.context_dim,
    heads: ldm.num_head_channels ? { channels: ldm.num_head_channels } : { count: ldm.num_heads! },
    useLinearProjection: ldm.use_linear_in_transformer ?? false,
    admChannels: ldm.adm_in_channels ?? 0,
    normGroups: 32,
  };
}

/** CompVis' AutoencoderKL arguments. */
export interface LdmVae {
  readonly ch: number;
  readonly ch_mult: readonly number[];
  readonly num_res_blocks: number;
  readonly z_channels: number;
  readonly embed_dim: number;
  readonly in_channels: number;
  readonly scale_factor?: number;
}

export function vaeConfigOf(ldm: LdmVae): VaeConfig {
  return {
    imageChannels: ldm.in_channels,
    channels: ldm.ch,
    channelMult: ldm.ch_mult,
    numResBlocks: ldm.num_res_blocks,
    zChannels: ldm.z_channels,
    embedDim: ldm.embed_dim,
    scalingFactor: ldm.scale_factor ?? SD15.vae.scalingFactor,
    normGroups: 32,
  };
}

/** Hugging Face's CLIPTextConfig. */
export interface HfClipText {
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly intermediate_size: number;
  readonly vocab_size: number;
  readonly max_position_embeddings: number;
  readonly hidden_act: string;
}

export function clipConfigOf(clip: HfClipText): ClipTextConfig {
  return {
    ...CLIP_L,
    width: clip.hidden_size,
    layers: clip.num_hidden_layers,
    heads: clip.num_attention_heads,
    mlpWidth: clip.intermediate_size,
    vocabSize: clip.vocab_size,
    contextLength: clip.max_position_embeddings,
    activation: clip.hidden_act === 'quick_gelu' ? 'quick_gelu' : 'gelu',
  };
}

/** open_clip's text config as the cases state it. */
export interface OpenClipText {
  readonly vocab: number;
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
  readonly proj: number;
  readonly act: string;
  readonly mlp_ratio?: number;
  readonly context_length?: number;
}

export function openClipConfigOf(clip: OpenClipText): ClipTextConfig {
  return {
    ...CLIP_L,
    width: clip.width,
    layers: clip.layers,
    heads: clip.heads,
    mlpWidth: clip.width * (clip.mlp_ratio ?? 4),
    vocabSize: clip.vocab,
    contextLength: clip.context_length ?? CLIP_L.contextLength,
    activation: clip.act.startsWith('quick') ? 'quick_gelu' : 'gelu',
    projection: { width: clip.proj, layout: 'matrix' },
    padding: 'zero',
    defaultClipSkip: 2,
  };
}
