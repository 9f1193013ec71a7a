/** Fills in every path of a request, so that the engine opens files and searches for none. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { JobRequest } from '../../preload/jobs.ts';
import type { ModelType } from '../../preload/models.ts';
import type {
  ControlUse,
  GenerationRequest,
  ImageRef,
  LoraUse,
  ModelRef,
  UpscaleRequest,
} from '../../preload/request.ts';
import type { EngineJob } from '../engine/border/protocol.ts';
import { imagePath } from '../history/uploads.ts';
import { locatedPreprocessor } from '../library/preprocessors.ts';
import { requireModel } from '../library/resolve.ts';
import { withTaggedLoras } from '../pipeline/text/prompt/taggedLoras.ts';
import type { ReadableDb } from '../storage/database.ts';

export interface ResolvePlaces {
  readonly db: ReadableDb;
  readonly pictures: string;
  readonly uploads: string;
  readonly training: string;
  readonly preprocessors: string;
}

/**
 * The engine job for a request: models found by hash, path or name, pictures by contents or path.
 * @throws StudioError `unknown-model` or `not-found`, naming what is missing.
 */
export function toEngineJob(places: ResolvePlaces, jobId: number, request: JobRequest): EngineJob {
  switch (request.kind) {
    case 'upscale':
      return { kind: 'upscale', request: resolveUpscale(places, request) };
    case 'train-lora': {
      const outputDir = request.outputDir || join(places.training, String(jobId));
      mkdirSync(outputDir, { recursive: true });
      const checkpoint = found(places.db, request.checkpoint, 'checkpoint');
      return { kind: 'train-lora', request: { ...request, checkpoint, outputDir } };
    }
    default:
      return {
        kind: 'generate',
        request: withPreprocessors(places, resolveRequest(places, withTaggedLoras(request))),
      };
  }
}

/**
 * The request as it goes into the record of its pictures: its hashes make them reproducible where names differ. To be asked
 * for before the job runs: what it used may be gone when it has.
 * @throws StudioError as toEngineJob.
 */
export function requestToRecord(places: ResolvePlaces, request: JobRequest): JobRequest {
  return request.kind === 'upscale' || request.kind === 'train-lora'
    ? request
    : resolveRequest(places, request);
}

/** Files of this machine that a record of the request need not name. */
function withPreprocessors(places: ResolvePlaces, request: GenerationRequest): GenerationRequest {
  const controls = request.controls.map((use) => ({
    ...use,
    preprocessor: locatedPreprocessor(places.preprocessors, use.preprocessor),
  }));
  return { ...request, controls };
}

/** A request whose every model and picture has its path; hashes that are known are filled in too. */
export function resolveRequest(places: ResolvePlaces, request: GenerationRequest): GenerationRequest {
  const { db } = places;
  const lora = (use: LoraUse): LoraUse => ({ ...use, model: found(db, use.model, 'lora') });
  const control = (use: ControlUse): ControlUse => ({
    ...use,
    model: found(db, use.model, 'controlnet'),
    image: located(places, use.image),
  });
  const { secondPass } = request;
  const common = {
    checkpoint: found(db, request.checkpoint, 'checkpoint'),
    ...(request.vae && { vae: found(db, request.vae, 'vae') }),
    loras: request.loras.map(lora),
    embeddings: request.embeddings.map((ref) => found(db, ref, 'embedding')),
    controls: request.controls.map(control),
    ...(secondPass && {
      secondPass: {
        ...secondPass,
        upscaler:
          secondPass.upscaler === 'latent' ? secondPass.upscaler : found(db, secondPass.upscaler, 'upscaler'),
      },
    }),
  };
  switch (request.kind) {
    case 'text-to-image':
      return { ...request, ...common };
    case 'image-to-image':
      return { ...request, ...common, initImage: located(places, request.initImage) };
    case 'inpaint':
      return {
        ...request,
        ...common,
        initImage: located(places, request.initImage),
        mask: located(places, request.mask),
      };
  }
}

function resolveUpscale(places: ResolvePlaces, request: UpscaleRequest): UpscaleRequest {
  return {
    ...request,
    upscaler: found(places.db, request.upscaler, 'upscaler'),
    image: located(places, request.image),
  };
}

function found(db: ReadableDb, ref: ModelRef, type: ModelType): ModelRef {
  const { path, sha256 } = requireModel(db, ref, type);
  return { name: ref.name, path, ...(sha256 !== null && { sha256 }) };
}

function located(places: ResolvePlaces, ref: ImageRef): ImageRef {
  return { ...ref, path: imagePath(places, ref) };
}
