/** The trained pairs as a file that ComfyUI, A1111 and kohya's tools read: their tensor names, their metadata. */
import { createHash } from 'node:crypto';
import { basename, extname } from 'node:path';
import { hashFile } from '../../../native-models/inspect/hashes.ts';
import type { Architecture, CheckpointConfig } from '../../../native-models/models/configs.ts';
import {
  floatSource,
  type TensorSource,
  writeSafetensors,
} from '../../../native-models/weights/safetensorsWriter.ts';
import type { LoraTrainingRequest } from '../../../preload/training.ts';
import type { ParameterSet } from '../parameters.ts';
import type { BaseModel } from './baseModel.ts';
import type { TrainingPicture } from './dataset.ts';
import type { Plan } from './plan.ts';

/** What the metadata tells of a run besides its request. */
export interface RunFacts {
  readonly model: Pick<BaseModel, 'path' | 'config'>;
  readonly pictures: readonly Pick<TrainingPicture, 'caption'>[];
  readonly plan: Plan;
  /** Optimiser steps taken. */
  readonly steps: number;
  readonly startedAt: Date;
  readonly finishedAt: Date;
}

/** Writes pairs and their alpha in half precision, kohya's metadata in the header. Throws WeightsError. */
export async function writeLora(
  path: string,
  parameters: ParameterSet,
  request: LoraTrainingRequest,
  facts: RunFacts,
): Promise<void> {
  const sources = loraTensors(parameters, request.alpha);
  const hash = createHash('sha256');
  for (const { read } of sources) hash.update(read());
  const metadata = {
    ...(await kohyaMetadata(request, facts)),
    ...modelSpec(request, facts),
    sshs_model_hash: hash.digest('hex'),
  };
  await writeSafetensors(path, sources, metadata);
}

/** True when some pair still adds something after rounding to half precision. */
export function changesSomething({ views }: ParameterSet): boolean {
  const isAlive = (values: Float32Array | undefined): boolean =>
    values?.some((value) => Math.f16round(value) !== 0) === true;
  return [...views].some(
    ([name, up]) => name.endsWith(UP) && isAlive(up) && isAlive(views.get(name.slice(0, -UP.length) + DOWN)),
  );
}

const UP = '.lora_up.weight';
const DOWN = '.lora_down.weight';

/** In the order of the file, which is by name. */
function loraTensors({ shapes, views }: ParameterSet, alpha: number): TensorSource[] {
  const trained = [...shapes].map(([name, shape]) => floatSource(name, shape, views.get(name)!, 'F16'));
  const alphas = [...shapes.keys()]
    .filter((name) => name.endsWith(UP))
    .map((name) => floatSource(`${name.slice(0, -UP.length)}.alpha`, [], Float32Array.of(alpha), 'F16'));
  return [...trained, ...alphas].sort((a, b) => (a.name < b.name ? -1 : 1));
}

const BASE_VERSIONS: Record<Architecture, string> = { sd15: 'sd_v1', sd21: 'sd_v2', sdxl: 'sdxl_base_v1-0' };
const SPEC_ARCHITECTURES: Record<Architecture, string> = {
  sd15: 'stable-diffusion-v1',
  sd21: 'stable-diffusion-v2-512',
  sdxl: 'stable-diffusion-xl-v1-base',
};
/** What ModelSpec calls SD 2 where it predicts v. */
const SPEC_V = 'stable-diffusion-v2-768-v';

type Base = Pick<CheckpointConfig, 'architecture' | 'predictionType'>;

/** kohya's `ss_base_model_version`: "_v" marks v-prediction, but for SDXL. */
export function baseVersion({ architecture, predictionType }: Base): string {
  return BASE_VERSIONS[architecture] + (architecture !== 'sdxl' && predictionType === 'v' ? '_v' : '');
}

/** `modelspec.architecture` of a LoRA for this base. */
export function loraArchitecture({ architecture, predictionType }: Base): string {
  const isV = architecture === 'sd21' && predictionType === 'v';
  return `${isV ? SPEC_V : SPEC_ARCHITECTURES[architecture]}/lora`;
}

async function kohyaMetadata(request: LoraTrainingRequest, facts: RunFacts): Promise<Record<string, string>> {
  const { model, plan, steps } = facts;
  const { autoV1, sha256 } = await hashFile(model.path);
  const entries = {
    ss_output_name: request.name,
    ss_training_started_at: facts.startedAt.getTime() / 1000,
    ss_training_finished_at: facts.finishedAt.getTime() / 1000,
    ss_sd_model_name: basename(model.path),
    ss_sd_model_hash: autoV1,
    ss_new_sd_model_hash: sha256,
    ss_base_model_version: baseVersion(model.config),
    ss_v2: model.config.architecture === 'sd21' ? 'True' : 'False',
    ss_network_module: 'networks.lora',
    ss_network_dim: request.rank,
    ss_network_alpha: request.alpha,
    ss_network_args: '{}',
    ss_learning_rate: request.learningRate,
    ss_unet_lr: request.learningRate,
    ss_text_encoder_lr: request.targets.includes('text-encoder') ? request.learningRate : 'None',
    ss_optimizer: `AdamW(weight_decay=${request.weightDecay})`,
    ss_lr_scheduler: request.schedule,
    ss_lr_warmup_steps: request.warmupSteps,
    ss_max_train_steps: request.steps,
    ss_steps: steps,
    ss_epoch: Math.ceil(steps / plan.batchesPerEpoch),
    ss_num_epochs: Math.ceil(request.steps / plan.batchesPerEpoch),
    ss_batch_size_per_device: request.batch,
    ss_total_batch_size: request.batch,
    ss_seed: request.seed,
    ss_noise_offset: request.noiseOffset || 'None',
    ss_min_snr_gamma: request.minSnrGamma || 'None',
    ss_mixed_precision: 'no',
    ...datasetEntries(request, facts),
  };
  return Object.fromEntries(Object.entries(entries).map(([key, value]) => [key, String(value)]));
}

/** What it was trained on. kohya names a folder by repeats and name. */
function datasetEntries(
  request: LoraTrainingRequest,
  { pictures, plan }: RunFacts,
): Record<string, string | number> {
  const { repeats, name, resolution } = request;
  const folder = `${repeats}_${name}`;
  return {
    ss_num_train_images: pictures.length * repeats,
    ss_num_batches_per_epoch: plan.batchesPerEpoch,
    ss_resolution: `(${resolution}, ${resolution})`,
    ss_enable_bucket: 'True',
    ss_flip_aug: request.flip ? 'True' : 'False',
    ss_caption_dropout_rate: request.captionDropout,
    ss_tag_frequency: JSON.stringify({ [folder]: tagCounts(pictures.map(({ caption }) => caption)) }),
    ss_dataset_dirs: JSON.stringify({ [folder]: { n_repeats: repeats, img_count: pictures.length } }),
    ss_bucket_info: JSON.stringify({ buckets: bucketInfo(plan, repeats) }),
  };
}

function modelSpec(request: LoraTrainingRequest, { model, finishedAt }: RunFacts): Record<string, string> {
  const { predictionType } = model.config;
  return {
    'modelspec.sai_model_spec': '1.0.1',
    'modelspec.architecture': loraArchitecture(model.config),
    'modelspec.implementation': 'https://github.com/Stability-AI/generative-models',
    'modelspec.title': request.name,
    'modelspec.resolution': `${request.resolution}x${request.resolution}`,
    'modelspec.date': finishedAt.toISOString().slice(0, 19),
    'modelspec.description': `Trained by Emulsion on ${basename(model.path, extname(model.path))}`,
    'modelspec.prediction_type': predictionType === 'v' ? 'v' : 'epsilon',
    ...(request.triggerWord && { 'modelspec.trigger_phrase': request.triggerWord }),
  };
}

/** How often each comma-separated part of the captions occurs. */
function tagCounts(captions: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const tag of captions.flatMap((caption) => caption.split(',')).map((part) => part.trim()))
    if (tag) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return Object.fromEntries(counts);
}

function bucketInfo({ buckets }: Plan, repeats: number): Record<string, object> {
  const rows = buckets.map(({ bucket, pictures }, index) => [
    index,
    { resolution: [bucket.width, bucket.height], count: pictures.length * repeats },
  ]);
  return Object.fromEntries(rows);
}
