/** Models of random weights: the right names and shapes, meaningless pictures. For benchmarks, tests and toys. */
import type { CheckpointConfig } from '../models/configs.ts';
import { type ParameterShapes, sd1CheckpointParameters } from '../models/parameters.ts';
import { writeSafetensors } from './safetensorsWriter.ts';

/** Length of the table of normal numbers that is repeated; a prime, so that rows never line up with it. */
const TABLE = 1_048_573;

/** Writes an SD 1.x fp16 checkpoint. */
export function writeRandomCheckpoint(
  path: string,
  config: CheckpointConfig,
  seed: number,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  return writeRandomWeights(path, sd1CheckpointParameters(config), seed, metadata);
}

/** Writes fp16 tensors. Weights are normal with variance 1/fan-in, norms 1, biases 0: activations stay finite. */
export async function writeRandomWeights(
  path: string,
  shapes: ParameterShapes,
  seed: number,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const tableOf = scaledTables(normalTable(seed));
  const tensors = [...shapes].map(([name, shape], index) => ({
    name,
    dtype: 'F16' as const,
    shape,
    read: () => halfBytes(name, shape, tableOf, index),
  }));
  await writeSafetensors(path, tensors, { format: 'pt', ...metadata });
}

function halfBytes(
  name: string,
  shape: readonly number[],
  tableOf: (deviation: number) => Float16Array<ArrayBuffer>,
  index: number,
): Uint8Array<ArrayBuffer> {
  const count = shape.reduce((a, b) => a * b, 1);
  const values = new Float16Array(count);
  if (shape.length === 1) return new Uint8Array(values.fill(name.endsWith('bias') ? 0 : 1).buffer);
  const deviation = name.includes('embedding') ? 0.02 : 1 / Math.sqrt(count / shape[0]!);
  const scaled = tableOf(deviation);
  const start = (index * 7919) % TABLE;
  for (let done = 0; done < count; ) {
    const from = (start + done) % TABLE;
    const part = scaled.subarray(from, Math.min(TABLE, from + count - done));
    values.set(part, done);
    done += part.length;
  }
  return new Uint8Array(values.buffer);
}

/** The table in half precision, scaled; a model has few different fan-ins, so each is made once. */
function scaledTables(table: Float32Array): (deviation: number) => Float16Array<ArrayBuffer> {
  const made = new Map<number, Float16Array<ArrayBuffer>>();
  return (deviation) => {
    const scaled = made.get(deviation) ?? Float16Array.from(table, (value) => value * deviation);
    made.set(deviation, scaled);
    return scaled;
  };
}

/** Normal numbers by Box–Muller over a 32-bit mixing generator (mulberry32). */
function normalTable(seed: number): Float32Array {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return Float32Array.from(
    { length: TABLE },
    () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}
