/** Upscalers of the ESRGAN family: RRDBNet (Wang et al. 2018; BasicSR) and SRVGGNetCompact (Real-ESRGAN, Wang et al. 2021). */
import * as ops from '../graph/ops.ts';
import { staticDim, type Value } from '../graph/value.ts';
import { conv2d, pixelUnshuffle } from '../layers/basic.ts';
import type { Scope } from '../layers/scope.ts';
import type { EsrganConfig, RrdbConfig, SrvggConfig } from './configs.ts';

/** How much of a residual is added, in every dense block and around three of them. */
const RESIDUAL_SHARE = 0.2;
const LEAK = 0.2;

/** Picture [B, imageChannels, H, W] in 0–1 → [B, imageChannels, scale·H, scale·W], about 0–1, not clamped. */
export function esrgan(scope: Scope, config: EsrganConfig, image: Value): Value {
  return config.kind === 'rrdb' ? rrdbNet(scope, config, image) : srvggNet(scope, config, image);
}

/** RRDBNet. Pixel-unshuffled variants need H and W to be multiples of `unshuffle`. */
function rrdbNet(scope: Scope, config: RrdbConfig, image: Value): Value {
  const { features, unshuffle, imageChannels } = config;
  const first = conv2d(
    scope.at('conv_first'),
    pixelUnshuffle(image, unshuffle),
    imageChannels * unshuffle ** 2,
    features,
  );
  let x = first;
  for (let block = 0; block < config.blocks; block++) x = rrdb(scope.at('body').at(block), config, x);
  x = ops.add(first, conv2d(scope.at('conv_body'), x, features, features));
  for (let step = 1; step <= config.upsamples; step++)
    x = leaky(conv2d(scope.at(`conv_up${step}`), ops.upsampleNearest(x, 2), features, features));
  const fine = leaky(conv2d(scope.at('conv_hr'), x, features, features));
  return conv2d(scope.at('conv_last'), fine, features, imageChannels);
}

/** Three dense blocks with a residual around them. */
function rrdb(scope: Scope, config: RrdbConfig, x: Value): Value {
  const dense = ['rdb1', 'rdb2', 'rdb3'].reduce((y, name) => denseBlock(scope.at(name), config, y), x);
  return ops.add(x, ops.mul(dense, RESIDUAL_SHARE));
}

/** Five convolutions, each reading the input and all that came before; the fifth gives the residual. */
function denseBlock(scope: Scope, { features, growth }: RrdbConfig, x: Value): Value {
  const seen = [x];
  const width = (): number => features + (seen.length - 1) * growth;
  // A copy: the list goes on growing, the node must not.
  const joined = (): Value => ops.concat([...seen], 1);
  for (let index = 1; index <= 4; index++)
    seen.push(leaky(conv2d(scope.at(`conv${index}`), joined(), width(), growth)));
  return ops.add(x, ops.mul(conv2d(scope.at('conv5'), joined(), width(), features), RESIDUAL_SHARE));
}

/** Plain convolutions with PReLU at the picture's own size, one pixel shuffle, plus the picture enlarged. */
function srvggNet(scope: Scope, config: SrvggConfig, image: Value): Value {
  const { imageChannels, features, scale, convs } = config;
  const body = scope.at('body');
  let x = prelu(body.at(1), conv2d(body.at(0), image, imageChannels, features));
  for (let conv = 1; conv <= convs; conv++)
    x = prelu(body.at(2 * conv + 1), conv2d(body.at(2 * conv), x, features, features));
  const shuffled = conv2d(body.at(2 * convs + 2), x, features, imageChannels * scale ** 2);
  const details = ops.cast(scale === 1 ? shuffled : ops.pixelShuffle(shuffled, scale), 'float32');
  return ops.add(details, scale === 1 ? image : ops.upsampleNearest(image, scale));
}

function leaky(x: Value): Value {
  return ops.leakyRelu(x, LEAK);
}

/** max(x, 0) + slope·min(x, 0), one slope per channel (He et al. 2015). */
function prelu(scope: Scope, x: Value): Value {
  const channels = staticDim(x, 1);
  const slope = ops.reshape(scope.parameter('weight', [channels]), [1, channels, 1, 1]);
  if (scope.flavour !== 'training') return ops.prelu(x, slope);
  return ops.sub(ops.relu(x), ops.mul(slope, ops.relu(ops.neg(x))));
}
