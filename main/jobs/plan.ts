/** Says before a job runs whether it will fit into memory, how long it will take, and which models do not go together. */
import { statSync } from 'node:fs';
import type { JobRequest, Plan } from '../../preload/jobs.ts';
import { modelsOf, type ResolvedModel, resolveModel } from '../library/resolve.ts';
import type { ReadableDb } from '../storage/database.ts';
import { expectedSeconds, stepsRun, unitsOf } from './estimates.ts';
import { chooseMemory, knownMemory } from './memoryNeed.ts';
import { largestFitting, type MemoryNow } from './memoryWays.ts';

/** What a job would need and take if it ran `now`, what would fit in its place, and what stands in its way. */
export function planJob(db: ReadableDb, request: JobRequest, now: MemoryNow): Plan {
  const { verdict, neededBytes, availableBytes } = chooseMemory(db, request, now);
  const suggestion = verdict === 'too-large' ? largestFitting(knownMemory(db), request, now) : null;
  return {
    verdict,
    message: messageOf(verdict, suggestion),
    ...{ neededBytes, availableBytes, suggestion },
    seconds: expectedSeconds(db, request),
    stepsRun: unitsOf(request),
    stepsTotal: request.kind === 'upscale' ? 1 : request.steps,
    warnings: warningsOf(db, request),
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

type Warning = Plan['warnings'][number];

/** Missing, changed and ill-matched models, and settings under which nothing would happen. */
function warningsOf(db: ReadableDb, request: JobRequest): Warning[] {
  const refs =
    request.kind === 'train-lora'
      ? [{ field: 'checkpoint' as const, ref: request.checkpoint }]
      : modelsOf(request);
  const resolved = refs.map(({ field, ref }) => ({
    field,
    ref,
    model: resolveModel(db, ref, undefined, field),
  }));
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
