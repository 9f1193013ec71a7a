/**
 * Residuals of ControlNets that stay on the device: weighed and added there, given to the U-Net there, freed behind it. At
 * 512² they are 50 MB for a step of guidance, which would go to the CPU and back.
 */
import type { Tensor as OrtTensor } from 'onnxruntime-node';
import { buildGraph, type Graph } from '../../../native-models/graph/build.ts';
import * as ops from '../../../native-models/graph/ops.ts';
import { input } from '../../../native-models/graph/value.ts';
import { PLAIN_MIX, type ResidualMix } from '../../pipeline/control.ts';
import type { Tensor } from '../../pipeline/tensor.ts';
import { createSession, type SessionOptions } from '../runtime/sessions.ts';
import { sessionsOnDemand } from '../runtime/sessionsOnDemand.ts';
import { isOnDevice, runOne, toOrt } from '../runtime/tensors.ts';

/** A mix that holds tensors and sessions on the device. */
export interface DeviceMix extends ResidualMix {
  release(): Promise<void>;
}

/** `options` are those of the network that is controlled. */
export function deviceMix(options: SessionOptions): DeviceMix {
  const sessions = sessionsOnDemand((name: 'scaled' | 'added') =>
    createSession(mixGraph(name === 'added'), { ...options, outputsOnDevice: 'all' }),
  );
  const made = new Set<OrtTensor>();
  const done = (): void => {
    for (const tensor of made) tensor.dispose();
    made.clear();
  };
  return {
    add: async (sum, residual, shares) => {
      if (!isOnDevice(residual)) return PLAIN_MIX.add(sum, residual, shares);
      made.add(toOrt(residual));
      if (!sum && shares.every((share) => share === 1)) return residual;
      const feeds = { x: toOrt(residual), share: toOrt(rowShares(residual.shape[0]!, shares)) };
      const session = await sessions.get(sum ? 'added' : 'scaled');
      const mixed = await runOne(session, sum ? { ...feeds, sum: toOrt(sum) } : feeds, 'y');
      made.add(toOrt(mixed));
      return mixed;
    },
    done,
    release: async () => {
      done();
      await sessions.release();
    },
  };
}

/** [rows, 1, 1, 1]: the share of every row. */
function rowShares(rows: number, shares: readonly number[]): Tensor {
  const size = rows / shares.length;
  return {
    data: Float32Array.from({ length: rows }, (_, row) => shares[Math.floor(row / size)]!),
    shape: [rows, 1, 1, 1],
  };
}

/** y = share·x, or sum + share·x. */
function mixGraph(adds: boolean): Graph {
  const residual = (name: string) => input(name, 'float32', ['rows', 'channels', 'height', 'width']);
  const scaled = ops.mul(residual('x'), input('share', 'float32', ['rows', 1, 1, 1]));
  return buildGraph({ y: adds ? ops.add(residual('sum'), scaled) : scaled });
}
