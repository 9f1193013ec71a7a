/** T2I-Adapter (Mou et al. 2023, §3.2; TencentARC's adapter.py, "full"): reads the hint once, whatever the noise. */
import * as ops from '../graph/ops.ts';
import { staticDim, type Value } from '../graph/value.ts';
import { conv2d, pixelUnshuffle } from '../layers/basic.ts';
import type { Scope } from '../layers/scope.ts';
import type { T2iAdapterConfig } from './configs.ts';

/** Hint [B, 3, H, W] in 0–1 → one feature per level, [B, channels, H/unshuffle, W/unshuffle] and smaller. */
export function t2iAdapter(scope: Scope, config: T2iAdapterConfig, hint: Value): Value[] {
  const { channels, unshuffle, hintChannels, blocksPerLevel, kernel } = config;
  const seen = hintChannels === 1 ? ops.reduceMean(hint, [1]) : hint;
  const unshuffled = pixelUnshuffle(seen, unshuffle);
  let x = conv2d(scope.at('conv_in'), unshuffled, hintChannels * unshuffle ** 2, channels[0]!);
  return channels.map((width, level) => {
    const blocks = Array.from({ length: blocksPerLevel }, (_, i) =>
      scope.at('body').at(level * blocksPerLevel + i),
    );
    if (config.halvingLevels.includes(level)) x = halved(blocks[0]!, x);
    for (const block of blocks) x = resBlock(block, x, width, kernel);
    return x;
  });
}

/** in_conv where the width changes, then block2(relu(block1(x))) + x. */
function resBlock(scope: Scope, x: Value, width: number, kernel: number): Value {
  const inChannels = staticDim(x, 1);
  const y = inChannels === width ? x : conv2d(scope.at('in_conv'), x, inChannels, width, { kernel });
  const inner = ops.relu(conv2d(scope.at('block1'), y, width, width));
  return ops.add(conv2d(scope.at('block2'), inner, width, width, { kernel }), y);
}

/** Half the size, rounded up: by the mean (all published files), or by a convolution where the file has one. */
function halved(scope: Scope, x: Value): Value {
  const channels = staticDim(x, 1);
  const conv = scope.at('down_opt.op');
  if (conv.has('weight')) return conv2d(conv, x, channels, channels, { stride: 2 });
  return ops.averagePool(x, 2, { roundUp: true });
}
