/** How fast a device convolves: the work that a U-Net mostly consists of, at the size of its first level at 512². */
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { buildGraph } from '../../../native-models/graph/build.ts';
import * as ops from '../../../native-models/graph/ops.ts';
import { constant, input } from '../../../native-models/graph/value.ts';
import type { Target } from '../../../native-models/layers/scope.ts';
import { sizeOf } from '../../pipeline/tensor.ts';
import type { DeviceName } from '../border/protocol.ts';
import { createSession, DEFAULT_SESSION } from '../runtime/sessions.ts';

const CHANNELS = 320;
const SIDE = 64;
const SHAPE = [1, CHANNELS, SIDE, SIDE];
const LAYERS = 2;
const FLOPS = LAYERS * 2 * CHANNELS * CHANNELS * 9 * SIDE * SIDE;
const RUNS = 2;

/** GFLOP/s of the best of a few runs, after one that compiles the kernels. */
export async function convolutionSpeed(
  device: DeviceName,
  { precision = 'float32' }: Target,
): Promise<number> {
  const kernel = new Float32Array(CHANNELS * CHANNELS * 9).map((_, i) => Math.sin(i) / CHANNELS);
  const weight = ops.cast(constant(kernel, [CHANNELS, CHANNELS, 3, 3]), precision);
  let y = ops.cast(input('x', 'float32', SHAPE), precision);
  for (let layer = 0; layer < LAYERS; layer++) y = ops.conv(y, weight, undefined, { padding: 1 });
  // One row comes back: the transfer of the whole would be timed too.
  const graph = buildGraph({ y: ops.cast(ops.slice(y, 2, 0, 1), 'float32') });
  const session = await createSession(graph, { ...DEFAULT_SESSION, device });
  try {
    return FLOPS / (await fastestRun(session)) / 1e9;
  } finally {
    await session.release();
  }
}

/** Seconds of the fastest of a few runs. */
async function fastestRun(session: InferenceSession): Promise<number> {
  const feeds = { x: new Tensor('float32', new Float32Array(sizeOf(SHAPE)).fill(0.5), SHAPE) };
  await session.run(feeds);
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RUNS; run++) {
    const start = performance.now();
    await session.run(feeds);
    best = Math.min(best, (performance.now() - start) / 1000);
  }
  return best;
}
