/** The KL autoencoder of Latent Diffusion (Rombach et al. 2022; diffusionmodules/model.py). */
import * as ops from '../graph/ops.ts';
import type { Value } from '../graph/value.ts';
import { attend, toImage, toTokens } from '../layers/attention.ts';
import { conv2d, groupNorm, linear, silu } from '../layers/basic.ts';
import type { Scope } from '../layers/scope.ts';
import type { VaeConfig } from './configs.ts';

const EPSILON = 1e-6;

/** Image [B, 3, H, W] in −1…1 → moments [B, 2·embedDim, H/8, W/8]: mean and log-variance of the posterior. */
export function vaeEncoder(scope: Scope, config: VaeConfig, image: Value): Value {
  const at = scope.at('encoder');
  const deepest = config.channelMult.length - 1;
  let channels = config.channels;
  let x = conv2d(at.at('conv_in'), image, config.imageChannels, channels);
  for (const [level, mult] of config.channelMult.entries()) {
    const down = at.at('down').at(level);
    for (let block = 0; block < config.numResBlocks; block++) {
      x = vaeBlock(down.at('block').at(block), config, x, channels, mult * config.channels);
      channels = mult * config.channels;
    }
    // Padded at the right and bottom only, as the model was trained.
    const options = { stride: 2, padding: [0, 0, 1, 1] } as const;
    if (level < deepest) x = conv2d(down.at('downsample.conv'), x, channels, channels, options);
  }
  x = vaeMiddle(at.at('mid'), config, x, channels);
  const normed = silu(scope.flavour, groupNorm(at.at('norm_out'), x, channels, config.normGroups, EPSILON));
  const moments = conv2d(at.at('conv_out'), normed, channels, 2 * config.zChannels);
  return conv2d(scope.at('quant_conv'), moments, 2 * config.zChannels, 2 * config.embedDim, { kernel: 1 });
}

/** Latent [B, embedDim, H/8, W/8], without the scaling factor → image [B, 3, H, W], about −1…1, not clamped. */
export function vaeDecoder(scope: Scope, config: VaeConfig, latent: Value): Value {
  const at = scope.at('decoder');
  const z = conv2d(scope.at('post_quant_conv'), latent, config.embedDim, config.zChannels, { kernel: 1 });
  let channels = config.channels * config.channelMult.at(-1)!;
  let x = vaeMiddle(at.at('mid'), config, conv2d(at.at('conv_in'), z, config.zChannels, channels), channels);
  for (const [level, mult] of [...config.channelMult.entries()].reverse()) {
    const up = at.at('up').at(level);
    for (let block = 0; block <= config.numResBlocks; block++) {
      x = vaeBlock(up.at('block').at(block), config, x, channels, mult * config.channels);
      channels = mult * config.channels;
    }
    if (level > 0) x = conv2d(up.at('upsample.conv'), ops.upsampleNearest(x, 2), channels, channels);
  }
  const normed = silu(scope.flavour, groupNorm(at.at('norm_out'), x, channels, config.normGroups, EPSILON));
  return conv2d(at.at('conv_out'), normed, channels, config.imageChannels);
}

function vaeMiddle(scope: Scope, config: VaeConfig, x: Value, channels: number): Value {
  const before = vaeBlock(scope.at('block_1'), config, x, channels, channels);
  const attended = vaeAttention(scope.at('attn_1'), config, before, channels);
  return vaeBlock(scope.at('block_2'), config, attended, channels, channels);
}

/** ResnetBlock without a time embedding. */
function vaeBlock(scope: Scope, config: VaeConfig, x: Value, inChannels: number, outChannels: number): Value {
  const { flavour } = scope;
  const first = silu(flavour, groupNorm(scope.at('norm1'), x, inChannels, config.normGroups, EPSILON));
  const hidden = conv2d(scope.at('conv1'), first, inChannels, outChannels);
  const second = silu(flavour, groupNorm(scope.at('norm2'), hidden, outChannels, config.normGroups, EPSILON));
  const residual = conv2d(scope.at('conv2'), second, outChannels, outChannels);
  const skip =
    inChannels === outChannels
      ? x
      : conv2d(scope.at('nin_shortcut'), x, inChannels, outChannels, { kernel: 1 });
  return ops.add(skip, residual);
}

/** One head over all channels; q, k, v and proj_out are 1×1 convolutions, that is, linears on tokens. */
function vaeAttention(scope: Scope, config: VaeConfig, x: Value, channels: number): Value {
  const tokens = toTokens(groupNorm(scope.at('norm'), x, channels, config.normGroups, EPSILON));
  const [q, k, v] = ['q', 'k', 'v'].map((name) => linear(scope.at(name), tokens, channels, channels));
  const mixed = linear(scope.at('proj_out'), attend(scope, q!, k!, v!, 1), channels, channels);
  return ops.add(x, toImage(mixed, x));
}
