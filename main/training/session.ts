/**
 * Runs a training graph. The batch is dealt to one or more shards, each a single-threaded session in its own thread that
 * also does its share of the optimiser's work. Measured on two cores, U-Net of 6.7 M parameters, 16 pictures: one session
 * of two threads 204 ms and 39 ms for the optimiser, two shards 148 and 17 ms (copies and reductions of ONNX Runtime
 * use one core only; and two threads in step lose half their speed as soon as the machine has other work).
 */
import { realpathSync } from 'node:fs';
import { parse, relative } from 'node:path';
import type { Graph } from '../../native-models/graph/build.ts';
import { toOnnx } from '../../native-models/graph/onnxProto.ts';
import { parameterOfOutput } from '../../native-models/training/step.ts';
import type { AdamWState } from './optimizer.ts';
import type { Gradients, ParameterSet } from './parameters.ts';
import { isShared, sharedParameters } from './shards/memory.ts';
import { type Batch, type BoundTensor, type Losses, openShard, type ShardSetup } from './shards/shard.ts';
import { startShardThread } from './shards/thread.ts';
import { dealShares, type UpdateSettings, type UpdateShare } from './shards/update.ts';

export type { Batch, BatchTensor, Losses } from './shards/shard.ts';

export interface TrainingOptions {
  /** Made by trainingStep for the batch of one shard; its losses must be means over the batch. */
  readonly graph: Graph;
  /** Read in place at every step. With several shards all sets must be shared: see sharedParameters. */
  readonly parameters: ParameterSet;
  /** Inputs of the graph that stay as they are. */
  readonly frozen?: ParameterSet;
  /** For `update`. */
  readonly optimizer?: AdamWState;
  /** The moving average that `update` keeps. */
  readonly average?: ParameterSet;
  /** Default 1: this thread does the work, and is blocked meanwhile. */
  readonly shards?: number;
  /** Cores per operation of a shard; default: all with one shard, else 1. */
  readonly threads?: number;
  /** For large models: peak memory of SD 1.5 at 512² 7 GB instead of 10.5, at the same speed. Default false. */
  readonly lean?: boolean;
}

export interface TrainingSession {
  readonly shards: number;
  /** Of the last step, averaged over the shards; overwritten by the next. */
  readonly gradients: Gradients;
  /** Forward and backward on one batch per shard. Rejects with the engine's error. */
  step(batches: readonly Batch[]): Promise<StepResult>;
  /** One AdamW step with the last gradients, in place, counted in the optimiser's state. */
  update(settings: Omit<UpdateSettings, 'step'>): Promise<void>;
  close(): Promise<void>;
}

export interface StepResult {
  /** Means over the shards, by output name: `loss` and whatever the graph reports. */
  readonly losses: Losses;
  /** L2 norm over all gradients; Infinity or NaN shows a run that has gone wrong. */
  readonly gradientNorm: number;
}

/** Opens the sessions; throws RangeError when the graph trains what is no parameter, or several shards find unshared memory. */
export async function openTrainingSession(options: TrainingOptions): Promise<TrainingSession> {
  const { graph, parameters, optimizer, average, shards: count = 1, threads = count === 1 ? 0 : 1 } = options;
  if (count > 1) requireShared(options);
  const gradients = Array.from({ length: count }, () => gradientSet(graph, parameters));
  const shares = dealShares(count, parameters, gradients, optimizer, average);
  const setups = gradients.map((set, index) => shardSetup(options, set, shares[index]!, threads));
  const shards = await Promise.all(setups.map(count === 1 ? openShard : startShardThread));
  return {
    shards: count,
    gradients: gradients[0]!.views,
    async step(batches) {
      if (batches.length !== count) throw new RangeError(`${batches.length} batches for ${count} shards`);
      const losses = await Promise.all(shards.map((shard, index) => shard.run(batches[index]!)));
      const squares = await Promise.all(shards.map((shard) => shard.reduce()));
      return { losses: meanLosses(losses), gradientNorm: Math.sqrt(squares.reduce((a, b) => a + b, 0)) };
    },
    async update(settings) {
      if (!optimizer) throw new Error('this training session was opened without an optimiser');
      await Promise.all(shards.map((shard) => shard.update({ ...settings, step: optimizer.step })));
      optimizer.step += 1;
    },
    close: async () => {
      await Promise.all(shards.map((shard) => shard.close()));
    },
  };
}

function requireShared({ parameters, frozen, optimizer, average }: TrainingOptions): void {
  const sets = { parameters, frozen, average, mean: optimizer?.mean, square: optimizer?.square };
  for (const [name, set] of Object.entries(sets)) {
    if (set && !isShared(set))
      throw new RangeError(`several shards need ${name} in shared memory; make it with sharedParameters`);
  }
}

/** Memory for the gradients that the graph gives, in the order of the parameters. */
function gradientSet(graph: Graph, { shapes }: ParameterSet): ParameterSet {
  const trained = new Set(graph.outputs.map(({ name }) => parameterOfOutput(name)));
  trained.delete(undefined);
  const own = new Map([...shapes].filter(([name]) => trained.delete(name)));
  const [stray] = trained;
  if (stray !== undefined)
    throw new RangeError(`the graph trains "${stray}", which is not among the parameters`);
  return sharedParameters(own);
}

function shardSetup(
  { graph, parameters, frozen, lean = false }: TrainingOptions,
  gradients: ParameterSet,
  share: UpdateShare,
  threads: number,
): ShardSetup {
  const { root } = parse(process.cwd());
  const sets = frozen ? [parameters, frozen] : [parameters];
  const gradientName = new Map(graph.outputs.map(({ name }) => [parameterOfOutput(name), name]));
  return {
    model: toOnnx(graph, (path) => relative(root, realpathSync(path)).replaceAll('\\', '/')),
    parameters: graph.inputs.flatMap(({ name }) => sets.flatMap((set) => bound(set, name, name))),
    gradients: [...gradients.shapes.keys()].flatMap((name) =>
      bound(gradients, name, gradientName.get(name)!),
    ),
    losses: graph.outputs.map(({ name }) => name).filter((name) => parameterOfOutput(name) === undefined),
    share,
    threads,
    lean,
  };
}

/** The tensor `name` of `set` under the name it has in the graph; none when the set lacks it. */
function bound(set: ParameterSet, name: string, graphName: string): BoundTensor[] {
  const data = set.views.get(name);
  return data ? [{ name: graphName, shape: set.shapes.get(name)!, data }] : [];
}

function meanLosses(losses: readonly Losses[]): Losses {
  const names = Object.keys(losses[0]!);
  const mean = (name: string): number => losses.reduce((sum, item) => sum + item[name]!, 0) / losses.length;
  return Object.fromEntries(names.map((name) => [name, mean(name)]));
}
