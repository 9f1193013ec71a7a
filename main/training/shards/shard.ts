/** One engine session of a training run: reads parameters and writes gradients in place, in memory others can see. */
import { parse } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { shareUpdater, type UpdateSettings, type UpdateShare } from './update.ts';

/** A batch input by name: float32 data, or int64 token ids. */
export interface BatchTensor {
  readonly data: Float32Array | BigInt64Array;
  readonly shape: readonly number[];
}
export type Batch = Readonly<Record<string, BatchTensor>>;

/** A tensor whose memory is fixed for the whole run. */
export interface BoundTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** All a shard needs; it can be posted to a worker. */
export interface ShardSetup {
  readonly model: Uint8Array;
  readonly parameters: readonly BoundTensor[];
  readonly gradients: readonly BoundTensor[];
  readonly losses: readonly string[];
  /** What of the optimiser's work this shard does. */
  readonly share: UpdateShare;
  /** Cores for one operation; 0 = all. */
  readonly threads: number;
  /** Allot memory anew at each step instead of by the first step's plan, which keeps both for a while. */
  readonly lean: boolean;
}

export type Losses = Readonly<Record<string, number>>;

export interface Shard {
  /** Forward and backward on one batch: fills the gradients, returns the losses. */
  run(batch: Batch): Promise<Losses>;
  /** After every shard has run: averages its share of the gradients, returns the sum of their squares. */
  reduce(): Promise<number>;
  /** One optimiser step on its share. */
  update(settings: UpdateSettings): Promise<void>;
  close(): Promise<void>;
}

/** Root of the folder tree below which frozen weights are found; see externalLocation. */
const ROOT = parse(process.cwd()).root;

/**
 * Creates the session. Training graphs gain nothing from the higher optimisation level, and prepacking is for weights
 * that stay the same. Throws ONNX Runtime's own error.
 */
export async function openShard(setup: ShardSetup): Promise<Shard> {
  const session = await InferenceSession.create(setup.model, {
    graphOptimizationLevel: 'extended',
    intraOpNumThreads: setup.threads,
    enableCpuMemArena: true,
    enableMemPattern: !setup.lean,
    logSeverityLevel: 3,
    extra: {
      session: {
        model_external_initializers_file_folder_path: ROOT,
        disable_prepacking: '1',
        intra_op: { allow_spinning: '0' },
        set_denormal_as_zero: '1',
      },
    },
  });
  const parameters = tensorsOf(setup.parameters);
  const losses = setup.losses.map((name) => ({ name, shape: [], data: new Float32Array(1) }));
  const updater = shareUpdater(setup.share);
  const fetches = tensorsOf([...setup.gradients, ...losses]);
  return {
    async run(batch) {
      await session.run({ ...parameters, ...tensorsOf(named(batch)) }, fetches);
      return Object.fromEntries(losses.map(({ name, data }) => [name, data[0]!]));
    },
    reduce: async () => updater.reduce(),
    update: async (settings) => updater.update(settings),
    close: () => session.release(),
  };
}

function named(
  batch: Batch,
): { name: string; shape: readonly number[]; data: Float32Array | BigInt64Array }[] {
  return Object.entries(batch).map(([name, value]) => ({ name, ...value }));
}

/** Tensors over the given memory: nothing is copied on the way in or out. */
function tensorsOf(
  bound: readonly { name: string; shape: readonly number[]; data: Float32Array | BigInt64Array }[],
): Record<string, Tensor> {
  return Object.fromEntries(
    bound.map(({ name, shape, data }) => {
      const type = data instanceof Float32Array ? 'float32' : 'int64';
      return [name, new Tensor(type, data, shape)];
    }),
  );
}
