/**
 * One device against the CPU's numbers, on what networks are made of: a U-Net of two small levels (convolutions, group
 * norm, self- and cross-attention, resize, LoRA branches, residuals of a ControlNet), and attention at the widths of real heads.
 */
import { Tensor } from 'onnxruntime-node';
import { compileUnet, skipChannels } from '../../../native-models/compile.ts';
import { buildGraph, type Graph, type NamedValue } from '../../../native-models/graph/build.ts';
import * as ops from '../../../native-models/graph/ops.ts';
import { constant, input } from '../../../native-models/graph/value.ts';
import { attend } from '../../../native-models/layers/attention.ts';
import {
  type ParameterSource,
  type Precision,
  rootScope,
  type Target,
} from '../../../native-models/layers/scope.ts';
import { SD15, type UnetConfig } from '../../../native-models/models/configs.ts';
import { sizeOf } from '../../pipeline/tensor.ts';
import type { DeviceName } from '../border/protocol.ts';
import { relativeL2 } from '../runtime/probing.ts';
import { createSession, DEFAULT_SESSION } from '../runtime/sessions.ts';
import { type Feeds, runOne } from '../runtime/tensors.ts';

/** Rounding alone; a wrong kernel errs by far more, be it at one width of heads only. */
const LARGEST_RELATIVE_ERROR: Readonly<Record<Precision, number>> = { float32: 1e-3, float16: 2e-2 };

/** Heads of 20 and 40 channels: no power of two, as SD 1.5's 40, 80 and 160. */
const UNET: UnetConfig = {
  ...SD15.unet,
  modelChannels: 64,
  channelMult: [1, 2],
  numResBlocks: [1, 1],
  inputDepths: [1, 1],
  outputDepths: [1, 1, 1, 1],
  contextDim: 24,
  heads: { count: 4 },
};

/** Not square and not a multiple of a workgroup. */
const [BATCH, HEIGHT, WIDTH, TOKENS, RANK] = [2, 10, 6, 77, 3];

/** SD 1.5's heads, SD 2's and SDXL's, and the VAE's single one. */
const HEAD_WIDTHS = [40, 64, 80, 160, 512];
const ATTENTION_TOKENS = 100;

/** How far the device's numbers of the small U-Net are from the CPU's. Throws what ONNX Runtime throws. */
export async function unetError(device: DeviceName, target: Target): Promise<number> {
  return errorOf(unetGraph, device, target);
}

/** The same of ONNX Runtime's own attention kernel. */
export async function fusedAttentionError(device: DeviceName, target: Target): Promise<number> {
  return errorOf(attentionGraph, device, { ...target, fusedAttention: true });
}

/** Enough for a session to be made, and with it the device. */
export function smallestGraph(): Graph {
  return buildGraph({ y: ops.relu(input('x', 'float32', [1])) });
}

/** Whether an error is no more than rounding. */
export function isRight(relativeError: number, { precision = 'float32' }: Target): boolean {
  return relativeError <= LARGEST_RELATIVE_ERROR[precision]; // false for NaN
}

async function errorOf(
  graphFor: (target: Target) => Graph,
  device: DeviceName,
  target: Target,
): Promise<number> {
  const [expected, actual] = [
    await outputOf(graphFor({ flavour: 'cpu' }), 'cpu'),
    await outputOf(graphFor(target), device),
  ];
  return relativeL2(actual, expected);
}

async function outputOf(graph: Graph, device: DeviceName): Promise<Float32Array> {
  const session = await createSession(graph, { ...DEFAULT_SESSION, device });
  try {
    const { data } = await runOne(session, noiseFeeds(graph.inputs), graph.outputs[0]!.name);
    return data.slice();
  } finally {
    await session.release();
  }
}

function unetGraph(target: Target): Graph {
  return compileUnet(NOISE_WEIGHTS, UNET, { ...target, lora: () => true, control: true }).graph;
}

/** Every head width once, on self-attention; the outputs side by side. */
function attentionGraph(target: Target): Graph {
  const scope = rootScope(NOISE_WEIGHTS, target);
  const outputs = HEAD_WIDTHS.map((width) => {
    const heads = width === 512 ? 1 : 2;
    const x = ops.cast(
      input(`tokens ${width}`, 'float32', ['batch', 'tokens', heads * width]),
      scope.precision,
    );
    const [q, k, v] = [0.9, 0.7, 1.1].map((share) => ops.mul(x, share));
    return ops.cast(attend(scope, q!, k!, v!, heads), 'float32');
  });
  return buildGraph({ mixed: ops.concat(outputs, 2) });
}

/** Weights for a graph without a file, which keep activations near 1: variance 1 over the fan-in, norms about 1. */
export const NOISE_WEIGHTS: ParameterSource = {
  has: () => true,
  get: (name, shape) => {
    const count = sizeOf(shape);
    if (shape.length > 1) return constant(noise(count, Math.sqrt(shape[0]! / count)), shape);
    const isNormScale = /norm|layers\.0|out\.0/.test(name) && name.endsWith('weight');
    return constant(noise(count, 0.1, isNormScale ? 1 : 0), shape);
  },
};

const SIZES: Readonly<Record<string, number>> = {
  batch: BATCH,
  height: HEIGHT,
  width: WIDTH,
};

/** Noise for every input; the sizes known at run time only are chosen here. */
function noiseFeeds(inputs: readonly NamedValue[]): Feeds {
  const residuals = residualSizes();
  return Object.fromEntries(
    inputs.map(({ name, shape }) => {
      const isAttention = name.startsWith('tokens ');
      const sizes = shape.map((dim) => {
        if (typeof dim === 'number') return dim;
        if (dim === 'tokens') return isAttention ? ATTENTION_TOKENS : TOKENS;
        if (dim.startsWith('rank')) return RANK;
        return SIZES[dim] ?? residuals[dim] ?? 1;
      });
      const count = sizeOf(sizes);
      const values =
        name === 'timestep' ? new Float32Array(count).fill(601) : noise(count, deviationOf(name));
      return [name, new Tensor('float32', values, sizes)];
    }),
  );
}

/** LoRA matrices are small beside the weights; attention over peaked scores is where its kernels differ. */
function deviationOf(name: string): number {
  if (name.startsWith('lora.')) return name.endsWith('.scale') ? 1 : 0.05;
  return name.startsWith('tokens ') ? 2 : 1;
}

/** Height and width of each ControlNet residual: the first two skips at full size, the others at half. */
function residualSizes(): Record<string, number> {
  const count = skipChannels(UNET).length + 1;
  const entries = Array.from({ length: count }, (_, index) => {
    const half = index >= 2;
    return [
      [`height.${index}`, half ? HEIGHT / 2 : HEIGHT],
      [`width.${index}`, half ? WIDTH / 2 : WIDTH],
      [`batch.${index}`, BATCH],
    ] as const;
  });
  return Object.fromEntries(entries.flat());
}

/** Numbers without a pattern that a wrong layout could preserve: mean `offset`, deviation `deviation`, always the same. */
export function noise(count: number, deviation: number, offset = 0): Float32Array<ArrayBuffer> {
  const spread = deviation * Math.sqrt(12); // of the uniform distribution
  let state = count;
  return Float32Array.from({ length: count }, () => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return offset + spread * (((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32 - 0.5);
  });
}
