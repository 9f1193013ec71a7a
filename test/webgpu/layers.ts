/** Every layer once, as a graph for any target. */

import { NOISE_WEIGHTS } from '../../main/engine/devices/probe.ts';
import { buildGraph, type Graph } from '../../native-models/graph/build.ts';
import * as ops from '../../native-models/graph/ops.ts';
import { constant, input, type Value } from '../../native-models/graph/value.ts';
import { attend, spatialTransformer } from '../../native-models/layers/attention.ts';
import {
  conv2d,
  gelu,
  groupNorm,
  layerNorm,
  linear,
  quickGelu,
  silu,
} from '../../native-models/layers/basic.ts';
import {
  downsample,
  embeddingMlp,
  resBlock,
  sinusoids,
  upsample,
} from '../../native-models/layers/resnet.ts';
import { rootScope, type Scope, type Target } from '../../native-models/layers/scope.ts';
import { liveLora } from '../../native-models/lora/adapter.ts';

const CHANNELS = 32;

/** Inputs are float32 and reach a layer in the precision of its scope, as between layers. */
const inputOf =
  (...shape: (number | string)[]) =>
  ({ precision }: Scope, name = 'x'): Value =>
    ops.cast(input(name, 'float32', shape), precision);
const image = inputOf('batch', CHANNELS, 'height', 'width');
const tokens = inputOf('batch', 'tokens', CHANNELS);
const words = inputOf('batch', 'words', CHANNELS);
const three = inputOf('batch', 3, CHANNELS);
const time = inputOf('batch', 16);

/** Row may look at column where 0. */
const FUTURE = constant(Float32Array.of(0, -3e38, -3e38, 0, 0, -3e38, 0, 0, 0), [1, 1, 3, 3]);

const LAYERS: Readonly<Record<string, (scope: Scope) => Value>> = {
  linear: (scope) => linear(scope, tokens(scope), CHANNELS, 24),
  'convolution 3×3': (scope) => conv2d(scope, image(scope), CHANNELS, 24),
  'convolution 1×1': (scope) => conv2d(scope, image(scope), CHANNELS, 24, { kernel: 1 }),
  'lopsided stride 2': (scope) =>
    conv2d(scope, image(scope), CHANNELS, CHANNELS, { stride: 2, padding: [0, 0, 1, 1] }),
  'group norm': (scope) => groupNorm(scope.at('norm'), image(scope), CHANNELS, 8, 1e-5),
  'layer norm': (scope) => layerNorm(scope.at('norm'), tokens(scope), CHANNELS),
  activations: (scope) => {
    const x = tokens(scope);
    return ops.concat([silu(scope.flavour, x), quickGelu(scope.flavour, x), gelu(x)], 2);
  },
  'self-attention': (scope) => attend(scope, tokens(scope), tokens(scope), tokens(scope), 2),
  'cross-attention': (scope) =>
    attend(scope, tokens(scope), words(scope, 'context'), words(scope, 'context'), 4),
  'masked attention': (scope) => attend(scope, three(scope), three(scope), three(scope), 2, FUTURE),
  'spatial transformer': (scope) =>
    spatialTransformer(scope, image(scope), words(scope, 'context'), { heads: 2, depth: 1, normGroups: 8 }),
  'residual block': (scope) =>
    resBlock(scope, image(scope), time(scope, 'time'), { outChannels: 48, normGroups: 8 }),
  'down and up': (scope) => upsample(scope, downsample(scope, image(scope)), image(scope)),
  'timestep embedding': (scope) =>
    embeddingMlp(scope, sinusoids(input('timestep', 'float32', ['batch']), 32), 32, 64),
};

/** Graphs by name: the layers, and two of them with live LoRA inputs. */
export const LAYER_GRAPHS: Readonly<Record<string, (target: Target) => Graph>> = {
  ...Object.fromEntries(
    Object.entries(LAYERS).map(([name, layer]) => [name, (target: Target) => graphOf(layer, target)]),
  ),
  'linear with LoRA': (target) => graphOf(LAYERS['linear']!, target, true),
  'convolution with LoRA': (target) => graphOf(LAYERS['convolution 3×3']!, target, true),
};

function graphOf(layer: (scope: Scope) => Value, target: Target, lora = false): Graph {
  const { adapter } = liveLora(() => true);
  const scope = rootScope(NOISE_WEIGHTS, { ...target, ...(lora && { adapter }) });
  return buildGraph({ y: ops.cast(layer(scope), 'float32') });
}
