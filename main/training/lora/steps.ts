/** The step graphs of a run, one per bucket over the same pairs; only the graph of the current bucket is loaded. */
import { availableParallelism } from 'node:os';
import {
  type LoraStep,
  loraStep,
  type Recompute,
  type UnetTarget,
} from '../../../native-models/training/loraStep.ts';
import type { LoraTrainingRequest } from '../../../preload/training.ts';
import type { AdamWState } from '../optimizer.ts';
import type { ParameterSet } from '../parameters.ts';
import {
  type Batch,
  type BatchTensor,
  openTrainingSession,
  type StepResult,
  type TrainingSession,
} from '../session.ts';
import type { UpdateSettings } from '../shards/update.ts';
import type { BaseModel } from './baseModel.ts';
import type { PictureSize } from './buckets.ts';
import { TrainingError } from './trainingError.ts';

/** Channels at the first level from which on a U-Net counts as large: its weights exist once, its memory is watched. */
const LARGE = 192;
/** Values of one activation at the first level beyond which the backward pass recomputes: SD 1.5 from 320² and 896² on. */
const ATTENTION_FROM = 500_000;
const ALL_FROM = 4_000_000;

export interface StepGraphs {
  /** Of the pairs; the same for every bucket. */
  readonly shapes: LoraStep['shapes'];
  /** What is to be trained; call once, before the first step. */
  bind(parameters: ParameterSet, optimizer: AdamWState): void;
  step(bucket: PictureSize, batch: Batch): Promise<StepResult>;
  update(settings: Omit<UpdateSettings, 'step'>): Promise<void>;
  close(): Promise<void>;
}

/** Nothing is loaded yet. Throws TrainingError when the text encoder is to be trained and there are two of them. */
export function stepGraphs(request: LoraTrainingRequest, model: BaseModel, first: PictureSize): StepGraphs {
  const shards = shardCount(request, model);
  let bound: { parameters: ParameterSet; optimizer: AdamWState } | undefined;
  let open: { bucket: PictureSize; session: TrainingSession } | undefined;
  const close = async (): Promise<void> => {
    await open?.session.close();
    open = undefined;
  };
  const sessionFor = async (bucket: PictureSize): Promise<TrainingSession> => {
    if (open && sameSize(open.bucket, bucket)) return open.session;
    await close();
    const { graph } = buildStep(request, model, bucket, shards);
    const session = await openTrainingSession({ graph, ...bound!, shards, lean: isLarge(model) });
    open = { bucket, session };
    return session;
  };
  return {
    shapes: buildStep(request, model, first, shards).shapes,
    bind: (parameters, optimizer) => {
      bound = { parameters, optimizer };
    },
    step: async (bucket, batch) => (await sessionFor(bucket)).step(dealt(batch, shards)),
    update: async (settings) => {
      await open?.session.update(settings);
    },
    close,
  };
}

function buildStep(
  request: LoraTrainingRequest,
  model: BaseModel,
  bucket: PictureSize,
  shards: number,
): LoraStep {
  const { config } = model;
  const batch = request.batch / shards;
  const [height, width] = [bucket.height / 8, bucket.width / 8];
  const tokens = Math.min(...config.textEncoders.map(({ contextLength }) => contextLength));
  const trainsText = request.targets.includes('text-encoder');
  if (trainsText && config.textEncoders.length > 1)
    throw new TrainingError(
      `text-encoder: ${config.architecture} has two of them, which are not trained together; choose other targets`,
    );
  const text = {
    source: model.textEncoders[0]!,
    config: config.textEncoders[0]!,
    clipSkip: config.textEncoders[0]!.defaultClipSkip,
  };
  return loraStep(
    { source: model.unet, config: config.unet, predictionType: config.predictionType },
    { batch, height, width, tokens },
    {
      rank: request.rank,
      alpha: request.alpha,
      targets: request.targets.filter((target): target is UnetTarget => target !== 'text-encoder'),
      recompute: recomputeFor(batch * height * width * config.unet.modelChannels),
      ...(trainsText && { text }),
    },
  );
}

function recomputeFor(values: number): Recompute {
  if (values > ALL_FROM) return 'all';
  return values > ATTENTION_FROM ? 'attention' : 'nothing';
}

/** A large model is loaded once; of a small one every core gets a copy, as far as the batch can be dealt evenly. */
function shardCount({ batch }: LoraTrainingRequest, model: BaseModel): number {
  if (isLarge(model)) return 1;
  const cores = Math.min(batch, availableParallelism());
  return Array.from({ length: cores }, (_, i) => cores - i).find((count) => batch % count === 0) ?? 1;
}

function isLarge({ config }: BaseModel): boolean {
  return config.unet.modelChannels >= LARGE;
}

/** A batch in equal parts along its first axis. */
function dealt(batch: Batch, shards: number): Batch[] {
  const part = ({ data, shape }: BatchTensor, index: number): BatchTensor => {
    const size = data.length / shards;
    return {
      data: data.slice(index * size, (index + 1) * size),
      shape: [shape[0]! / shards, ...shape.slice(1)],
    };
  };
  return Array.from({ length: shards }, (_, index) =>
    Object.fromEntries(Object.entries(batch).map(([name, value]) => [name, part(value, index)])),
  );
}

function sameSize(a: PictureSize, b: PictureSize): boolean {
  return a.width === b.width && a.height === b.height;
}
