/** ControlNet (Zhang et al. 2023; cldm.py): a second U-Net encoder that reads a hint image and speaks through zero convolutions. */
import { staticDim, type Value } from '../graph/value.ts';
import { conv2d, silu } from '../layers/basic.ts';
import type { Scope } from '../layers/scope.ts';
import type { ControlNetConfig } from './configs.ts';
import { encoder, timeEmbedding, type UnetInputs } from './unet.ts';

/** What the ControlNet is told: all that the U-Net is, and the hint. */
export interface ControlNetInputs extends Omit<UnetInputs, 'residuals'> {
  /** The picture, [B, hintChannels, H, W] in 0–1, or where `hintEncoder` has read it, its features. */
  readonly hint: Value;
}

/** Residuals in the order of input_blocks, then one for the middle: what UnetInputs.residuals takes. */
export function controlNet(scope: Scope, config: ControlNetConfig, inputs: ControlNetInputs): Value[] {
  const hint = hintEncoder(scope, config, inputs.hint);
  inputs.tap?.('input_hint_block', hint);
  return controlFromFeatures(scope, config, { ...inputs, hint });
}

/** The same from the hint's features [B, modelChannels, H/8, W/8], which are the same at every step. */
export function controlFromFeatures(
  scope: Scope,
  config: ControlNetConfig,
  { latent, hint, ...inputs }: ControlNetInputs,
): Value[] {
  const time = timeEmbedding(scope, config, inputs);
  const guide = { time, context: inputs.context, tap: inputs.tap };
  const { skips, middle } = encoder(scope, config, { latent, hint }, guide);
  const residuals = skips.map((skip, index) => zeroConv(scope.at('zero_convs').at(index).at(0), skip));
  return [...residuals, zeroConv(scope.at('middle_block_out.0'), middle)];
}

/**
 * The hint as features of the first block: [B, hintChannels, 8h, 8w] → [B, modelChannels, h, w].
 * Convolutions lie at even places of the list (SiLU between); every second one after the first halves the size.
 */
export function hintEncoder(scope: Scope, config: ControlNetConfig, hint: Value): Value {
  const blocks = scope.at('input_hint_block');
  const widths = [...config.hintWidths, config.modelChannels];
  return widths.reduce((x, width, index) => {
    const isLast = index === widths.length - 1;
    const stride = !isLast && index > 0 && index % 2 === 0 ? 2 : 1;
    const y = conv2d(blocks.at(2 * index), x, staticDim(x, 1), width, { stride });
    return isLast ? y : silu(scope.flavour, y);
  }, hint);
}

/** A 1×1 convolution that training begins at zero, so that control sets in gently. */
function zeroConv(scope: Scope, x: Value): Value {
  const channels = staticDim(x, 1);
  return conv2d(scope, x, channels, channels, { kernel: 1 });
}
