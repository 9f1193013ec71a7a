/** Gradients by the real onnxruntime: those of the gradient graph, and central differences to compare them with. */
import * as ort from 'onnxruntime-node';
import '../../main/engine/runtime/noTelemetry.ts';
import { buildGraph } from '../../native-models/graph/build.ts';
import { gradients } from '../../native-models/graph/gradients.ts';
import { toOnnx } from '../../native-models/graph/onnxProto.ts';
import * as ops from '../../native-models/graph/ops.ts';
import { constant, input, staticShape, type Value } from '../../native-models/graph/value.ts';

/** Inputs of a small graph: one array of numbers per value to be differentiated. */
export interface Operand {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

export interface GradientComparison {
  /** Largest |analytic - numeric| over all elements, divided by the largest |numeric| of that operand (at least 1e-3). */
  readonly error: number;
  readonly analytic: readonly Float32Array[];
  readonly numeric: readonly Float32Array[];
}

const STEP = 1e-2;

/** Numbers in [low, high), the same for the same seed (mulberry32). */
export function seeded(count: number, seed: number, low = -1, high = 1): Float32Array<ArrayBuffer> {
  let state = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return low + (((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * (high - low);
  });
}

/**
 * Builds `body` on the operands, reduces it with fixed random weights to one number, and compares the gradient
 * graph with central differences of the same graph. Differences are summed in float64 outside the engine.
 */
export async function compareGradients(
  body: (...operands: Value[]) => Value,
  operands: readonly Operand[],
): Promise<GradientComparison> {
  const inputs = operands.map(({ shape }, index) => input(`x${index}`, 'float32', shape));
  const y = body(...inputs);
  const weights = seeded(
    Math.max(
      1,
      staticShape(y).reduce((a, b) => a * b, 1),
    ),
    99,
  );
  const loss = ops.reduceSum(
    ops.mul(y, constant(weights, staticShape(y))),
    y.shape.map((_, axis) => axis),
    false,
  );
  const named = Object.fromEntries(gradients(loss, inputs).map((value, index) => [`d${index}`, value]));
  const backward = await session(named, inputs);
  const forward = await session({ y }, inputs);
  try {
    const found = await backward.run(feedsOf(operands));
    const analytic = operands.map((_, index) => found[`d${index}`]!.data as Float32Array);
    const numeric: Float32Array[] = [];
    for (const [index] of operands.entries())
      numeric.push(await differences(forward, operands, index, weights));
    return { analytic, numeric, error: Math.max(...numeric.map((values, i) => worst(analytic[i]!, values))) };
  } finally {
    await backward.release();
    await forward.release();
  }
}

/** A session over named outputs; every input is declared, used or not. */
export async function session(
  outputs: Readonly<Record<string, Value>>,
  inputs: readonly Value[] = [],
): Promise<ort.InferenceSession> {
  const bytes = toOnnx(buildGraph(outputs, inputs), (path) => path);
  return ort.InferenceSession.create(bytes, { graphOptimizationLevel: 'extended', intraOpNumThreads: 1 });
}

export function feedsOf(operands: readonly Operand[]): Record<string, ort.Tensor> {
  return Object.fromEntries(
    operands.map(({ data, shape }, index) => [`x${index}`, new ort.Tensor('float32', data, shape)]),
  );
}

async function differences(
  forward: ort.InferenceSession,
  operands: readonly Operand[],
  index: number,
  weights: Float32Array,
): Promise<Float32Array> {
  const { data } = operands[index]!;
  const lossAt = async (position: number, shift: number): Promise<number> => {
    const moved = Float32Array.from(data);
    moved[position] = moved[position]! + shift;
    const feeds = feedsOf(operands.map((item, i) => (i === index ? { ...item, data: moved } : item)));
    const y = (await forward.run(feeds))['y']!.data as Float32Array;
    return y.reduce((sum, value, i) => sum + value * weights[i]!, 0);
  };
  const result = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++)
    result[i] = ((await lossAt(i, STEP)) - (await lossAt(i, -STEP))) / (2 * STEP);
  return result;
}

function worst(analytic: Float32Array, numeric: Float32Array): number {
  if (analytic.length !== numeric.length) return Number.POSITIVE_INFINITY;
  const scale = numeric.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1e-3);
  return numeric.reduce((largest, value, i) => {
    const difference = Math.abs(value - analytic[i]!) / scale;
    return Math.max(difference, largest);
  }, 0);
}
