/** Residuals of ControlNets and features of T2I-Adapters as inputs of the U-Net. */
import { Tensor as OrtTensor } from 'onnxruntime-node';
import { featureChannels, skipChannels } from '../../../native-models/compile.ts';
import type { UnetConfig } from '../../../native-models/models/configs.ts';
import type { ControlResiduals } from '../../pipeline/model.ts';
import type { Tensor } from '../../pipeline/tensor.ts';
import { type Feeds, toOrt } from '../runtime/tensors.ts';

/** The control inputs of a U-Net compiled with `control`: those given, and zeros that broadcast where there are none. */
export function residualFeeds(
  config: Pick<UnetConfig, 'modelChannels' | 'channelMult' | 'numResBlocks' | 'admChannels'>,
  { skips, middle, features = [] }: ControlResiduals = { skips: [] },
): Feeds {
  const channels = skipChannels(config);
  const deepest = channels.at(-1)!;
  const residuals = [...filled(skips, channels), ...filled(middle ? [middle] : [], [deepest])];
  return {
    ...numbered('residual', residuals),
    ...numbered('feature', filled(features, featureChannels(config))),
  };
}

/** `values`, or zeros for each of `channels`. */
function filled(values: readonly Tensor[], channels: readonly number[]): OrtTensor[] {
  if (values.length > 0) return values.map(toOrt);
  return channels.map((count) => new OrtTensor('float32', new Float32Array(count), [1, count, 1, 1]));
}

function numbered(name: string, values: readonly OrtTensor[]): Feeds {
  return Object.fromEntries(values.map((value, index) => [`${name}.${index}`, value]));
}
