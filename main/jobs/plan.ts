/** Says before a job runs whether it will fit into memory, how long it will take, and which models do not go together. */
import { statSync } from 'node:fs';
import { availableMemory } from 'node:process';
import type { JobRequest, Plan } from '../../preload/jobs.ts';
import type { GenerationRequest } from '../../preload/request.ts';
import { modelsOf, type ResolvedModel, resolveModel } from '../library/resolve.ts';
import type { ReadableDb } from '../storage/database.ts';
import { expected, expectedSeconds, stepsRun, unitsOf } from './estimates.ts';

/**
 * Bytes per unit before anything was measured, from the engine's table in DESIGN §4 (SD1.5 in fp32):
 * 0.86 G parameters take 3.6 GB normal and 1.2 GB in low mode; a 512² step adds 0.4 GB, its VAE decode 1.6 GB.
 */
const WEIGHTS_NORMAL = 4.2;
const WEIGHTS_LOW = 1.4;
const BYTES_PER_LATENT_PIXEL = 100_000;
const VAE_BYTES_PER_PIXEL = 6_000;
const VAE_TILE_BYTES = 400e6;
const PROCESS_BYTES = 150e6;
/** Left for the window and the system. */
const RESERVE_BYTES = 300e6;

interface Need {
  readonly normal: number;
  readonly tiled: number;
  readonly low: number;
}

/** @param available bytes free for the engine; by default what the system says. */
export function planJob(db: ReadableDb, request: JobRequest, available = availableMemory()): Plan {
  const free = Math.max(0, available - RESERVE_BYTES);
  const warnings = warningsOf(db, request);
  const need = needOf(db, request);
  const verdict =
    need.normal <= free
      ? 'fits'
      : need.tiled <= free
        ? 'tiled-vae'
        : need.low <= free
          ? 'low-memory'
          : 'too-large';
  const suggestion = verdict === 'too-large' ? largestFitting(db, request, free) : null;
  return {
    verdict,
    message: messageOf(verdict, suggestion),
    neededBytes: {
      fits: need.normal,
      'tiled-vae': need.tiled,
      'low-memory': need.low,
      'too-large': need.low,
    }[verdict],
    availableBytes: free,
    seconds: expectedSeconds(db, request),
    suggestion,
    stepsRun: unitsOf(request),
    stepsTotal: request.kind === 'upscale' ? 1 : request.steps,
    warnings,
  };
}

function messageOf(verdict: Plan['verdict'], suggestion: Plan['suggestion']): string {
  switch (verdict) {
    case 'fits':
      return 'Fits.';
    case 'tiled-vae':
      return 'Fits; the picture will be decoded in tiles.';
    case 'low-memory':
      return 'Fits in low memory mode, slower.';
    case 'too-large':
      return suggestion
        ? `Will not fit: try ${suggestion.width} × ${suggestion.height}.`
        : 'Will not fit: close other programs or choose a smaller model.';
  }
}

/** Bytes at the peak. A measured peak of just this kind of job replaces the estimate for its normal run. */
function needOf(db: ReadableDb, request: JobRequest): Need {
  const measured = expected(db, request, 'peakBytes');
  const estimate = estimated(db, request);
  return measured === null
    ? estimate
    : { ...estimate, normal: measured, tiled: Math.min(measured, estimate.tiled) };
}

function estimated(db: ReadableDb, request: JobRequest): Need {
  if (request.kind === 'upscale') {
    const tile = request.tile ** 2 * 4000 + PROCESS_BYTES;
    return { normal: tile, tiled: tile, low: tile };
  }
  const parameters = parametersOf(resolveModel(db, request.checkpoint));
  if (request.kind === 'train-lora') {
    const bytes =
      PROCESS_BYTES + parameters * WEIGHTS_NORMAL + request.batch * request.resolution ** 2 * 25_000;
    return { normal: bytes, tiled: bytes, low: bytes };
  }
  const { width, height } = finalSize(request);
  const passes = request.guidanceScale === 1 ? 1 : 2;
  const step = ((width * height) / 64) * passes * request.batch * (BYTES_PER_LATENT_PIXEL / 2);
  const decode = width * height * VAE_BYTES_PER_PIXEL;
  const controls = request.controls.length * parameters * 0.42;
  const around = (weights: number, vae: number) =>
    PROCESS_BYTES + (parameters + controls) * weights + Math.max(step, vae);
  return {
    normal: around(WEIGHTS_NORMAL, decode),
    tiled: around(WEIGHTS_NORMAL, Math.min(decode, VAE_TILE_BYTES)),
    low: around(WEIGHTS_LOW, Math.min(decode, VAE_TILE_BYTES)),
  };
}

/** Number of weights, from the file's size at two bytes each (nearly all checkpoints are half precision). */
function parametersOf(model: ResolvedModel | undefined): number {
  return (model?.bytes ?? 0) / 2;
}

function finalSize({ width, height, secondPass }: GenerationRequest): { width: number; height: number } {
  const scale = secondPass?.scale ?? 1;
  return { width: width * scale, height: height * scale };
}

/** Same shape, smaller by steps of 64 on the longer side, until it fits. */
function largestFitting(db: ReadableDb, request: JobRequest, free: number): Plan['suggestion'] {
  if (request.kind === 'upscale' || request.kind === 'train-lora') return null;
  const longer = Math.max(request.width, request.height);
  for (let side = Math.floor((longer - 1) / 64) * 64; side >= 256; side -= 64) {
    const shrunk = (length: number) => Math.max(64, Math.round((length * side) / longer / 64) * 64);
    const smaller = { ...request, width: shrunk(request.width), height: shrunk(request.height) };
    if (estimated(db, smaller).low <= free) return { width: smaller.width, height: smaller.height };
  }
  return null;
}

type Warning = Plan['warnings'][number];

/** Missing, changed and ill-matched models, and settings under which nothing would happen. */
function warningsOf(db: ReadableDb, request: JobRequest): Warning[] {
  const refs =
    request.kind === 'train-lora' ? [{ field: 'checkpoint', ref: request.checkpoint }] : modelsOf(request);
  const resolved = refs.map(({ field, ref }) => ({ field, ref, model: resolveModel(db, ref) }));
  const missing = resolved.flatMap(({ ref, model }) => stateWarnings(db, ref.name, model));
  const checkpoint = resolved.find(({ field }) => field === 'checkpoint')?.model;
  const misfits = resolved.flatMap(({ field, ref, model }) =>
    checkpoint && model && !fits(field, checkpoint, model)
      ? [
          warning(
            `"${ref.name}" is made for ${baseName(model.base)}, the checkpoint is ${baseName(checkpoint.base)}.`,
            'Choose ones of the same family.',
            true,
          ),
        ]
      : [],
  );
  const idle =
    request.kind === 'image-to-image' && stepsRun(request) === 0
      ? [
          warning(
            'At this denoising strength no step runs: the picture comes back unchanged.',
            'Raise the denoising strength.',
            false,
          ),
        ]
      : [];
  return [...missing, ...misfits, ...idle];
}

const MATCHING = ['lora', 'controlnet', 'embedding'];

function fits(field: string, checkpoint: ResolvedModel, model: ResolvedModel): boolean {
  if (!MATCHING.includes(field)) return true;
  return [model.base, checkpoint.base].includes('unknown') || model.base === checkpoint.base;
}

function stateWarnings(db: ReadableDb, name: string, model: ResolvedModel | undefined): Warning[] {
  if (model === undefined)
    return [
      warning(`The model "${name}" is not in the library.`, 'Add its folder, or choose another.', true),
    ];
  if (model.state !== 'ready')
    return [warning(`The model "${name}" is ${model.state}.`, 'Choose another model.', true)];
  const stats = statSync(model.path, { throwIfNoEntry: false });
  if (stats === undefined)
    return [
      warning(`The file of "${name}" is gone: ${model.path}.`, 'Put it back, or rescan the folder.', true),
    ];
  const known = db.value<number>('SELECT modified FROM models WHERE id = ?', model.id);
  if (stats.size === model.bytes && stats.mtimeMs === known) return [];
  return [
    warning(
      `The file of "${name}" was changed since it was scanned.`,
      'Rescan its folder to see what it is now.',
      false,
    ),
  ];
}

function warning(message: string, hint: string, blocking: boolean): Warning {
  return { message, hint, blocking };
}

function baseName(base: string): string {
  return (
    { sd15: 'SD 1.5', sd21: 'SD 2.1', sdxl: 'SDXL', 'sdxl-refiner': 'the SDXL refiner' }[base] ??
    'another family'
  );
}
