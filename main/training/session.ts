/**
 * Runs a training graph. The batch is dealt to one or more shards, each a single-threaded session in its own thread:
 * 16-picture U-Net step on two cores 148 ms in two shards, 204 ms in one session of two threads (copies and reductions
 * use one core only), and far less is lost when the machine has other work. Losses must be means over the batch.
 */
import { realpathSync } from 'node:fs';
import { parse, relative } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Graph } from '../../native-models/graph/build.ts';
import { toOnnx } from '../../native-models/graph/onnxProto.ts';
import { parameterOfOutput } from '../../native-models/training/step.ts';
import type { Gradients, ParameterSet, Shapes } from './parameters.ts';
import {
  type Batch,
  type BoundTensor,
  type Losses,
  openShard,
  type Shard,
  type ShardSetup,
} from './shard.ts';
import type { Reply } from './shardWorker.ts';

export type { Batch, BatchTensor, Losses } from './shard.ts';

export interface TrainingOptions {
  /** Made by trainingStep for the batch of one shard. */
  readonly graph: Graph;
  /** Read in place at every step. More than one shard needs them in shared memory: see sharedParameters. */
  readonly parameters: ParameterSet;
  /** Default 1: this thread does the work, and is blocked meanwhile. */
  readonly shards?: number;
  /** Cores per operation of a shard; default: all with one shard, else 1. */
  readonly threads?: number;
}

export interface TrainingSession {
  readonly shards: number;
  /** Of the last step, averaged over the shards; overwritten by the next. */
  readonly gradients: Gradients;
  /** Forward and backward on one batch per shard; returns the mean losses. Rejects with the engine's error. */
  step(batches: readonly Batch[]): Promise<Losses>;
  close(): Promise<void>;
}

/** Opens the sessions; throws RangeError when the graph asks for a parameter that the set lacks. */
export async function openTrainingSession(options: TrainingOptions): Promise<TrainingSession> {
  const { graph, parameters, shards: count = 1, threads = count === 1 ? 0 : 1 } = options;
  const sets = Array.from({ length: count }, () => gradientMemory(graph, parameters.shapes));
  const setups = sets.map((gradients) => shardSetup(graph, parameters, gradients, threads));
  const shards = await Promise.all(
    setups.map((setup) => (count === 1 ? openShard(setup) : startWorker(setup))),
  );
  const sum = sets[0]!;
  return {
    shards: count,
    gradients: new Map(sum.tensors.map(({ name, data }) => [parameterOfOutput(name)!, data])),
    async step(batches) {
      if (batches.length !== count) throw new RangeError(`${batches.length} batches for ${count} shards`);
      const losses = await Promise.all(shards.map((shard, index) => shard.run(batches[index]!)));
      if (count > 1) averageInto(sum.flat, sets);
      return meanLosses(losses);
    },
    close: async () => {
      await Promise.all(shards.map((shard) => shard.close()));
    },
  };
}

/** Zeros of the given shapes in memory that every thread sees. */
export function sharedParameters(shapes: Shapes): ParameterSet {
  const { flat, tensors } = sharedMemory(shapes);
  // The set's users do not care whose memory it is; only structuredClone and workers do.
  const views = new Map(tensors.map(({ name, data }) => [name, data as Float32Array<ArrayBuffer>]));
  return { flat: flat as Float32Array<ArrayBuffer>, shapes, views };
}

interface SharedMemory {
  readonly flat: Float32Array;
  readonly tensors: readonly BoundTensor[];
}

function sharedMemory(shapes: Shapes): SharedMemory {
  const sizes = [...shapes].map(([name, shape]) => ({ name, shape, size: shape.reduce((a, b) => a * b, 1) }));
  const total = sizes.reduce((sum, { size }) => sum + size, 0);
  const flat: Float32Array = new Float32Array(new SharedArrayBuffer(4 * total));
  let offset = 0;
  const tensors = sizes.map(({ name, shape, size }) => {
    offset += size;
    return { name, shape, data: flat.subarray(offset - size, offset) };
  });
  return { flat, tensors };
}

function gradientMemory(graph: Graph, shapes: Shapes): SharedMemory {
  const outputs = graph.outputs.flatMap(({ name }) => {
    const parameter = parameterOfOutput(name);
    const shape = parameter === undefined ? undefined : shapes.get(parameter);
    if (parameter !== undefined && !shape)
      throw new RangeError(`the graph trains "${parameter}", which is not among the parameters`);
    return shape ? [[name, shape] as const] : [];
  });
  return sharedMemory(new Map(outputs));
}

function shardSetup(
  graph: Graph,
  { shapes, views }: ParameterSet,
  gradients: SharedMemory,
  threads: number,
): ShardSetup {
  const { root } = parse(process.cwd());
  const parameters = graph.inputs.flatMap(({ name }) => {
    const data = views.get(name);
    return data ? [{ name, shape: shapes.get(name)!, data }] : [];
  });
  return {
    model: toOnnx(graph, (path) => relative(root, realpathSync(path)).replaceAll('\\', '/')),
    parameters,
    gradients: gradients.tensors,
    losses: graph.outputs.map(({ name }) => name).filter((name) => parameterOfOutput(name) === undefined),
    threads,
  };
}

/** A shard in a thread of its own. What goes wrong there rejects the call that is waiting. */
async function startWorker(setup: ShardSetup): Promise<Shard> {
  if (setup.parameters.some(({ data }) => data.buffer instanceof ArrayBuffer))
    throw new RangeError('several shards need parameters in shared memory; make them with sharedParameters');
  const worker = new Worker(new URL('./shardWorker.ts', import.meta.url), { workerData: setup });
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', () => resolve());
  });
  const next = <T>(): Promise<T> =>
    new Promise((resolve, reject) => {
      worker.once('error', reject);
      worker.once('message', (value: T) => {
        worker.off('error', reject);
        resolve(value);
      });
    });
  await next();
  return {
    async run(batch) {
      const answer = next<Reply>();
      worker.postMessage(batch);
      const reply = await answer;
      if ('problem' in reply) throw new Error(reply.problem);
      return reply.losses;
    },
    async close() {
      worker.postMessage(null);
      await ended;
    },
  };
}

/** target = mean of all sets; the target is the first of them. */
function averageInto(target: Float32Array, sets: readonly SharedMemory[]): void {
  const share = 1 / sets.length;
  for (const [index, { flat }] of sets.entries()) {
    if (index === 0) continue;
    const last = index === sets.length - 1 ? share : 1;
    for (let i = 0; i < target.length; i++) target[i] = (target[i]! + flat[i]!) * last;
  }
}

function meanLosses(losses: readonly Losses[]): Losses {
  const names = Object.keys(losses[0]!);
  const mean = (name: string): number => losses.reduce((sum, item) => sum + item[name]!, 0) / losses.length;
  return Object.fromEntries(names.map((name) => [name, mean(name)]));
}
