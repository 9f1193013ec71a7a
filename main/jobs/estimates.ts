/** What jobs cost on this machine, learnt from those that ran: seconds per step and around the steps; see memoryNeed.ts for bytes. */
import type { JobRequest } from '../../preload/jobs.ts';
import type { GenerationRequest } from '../../preload/request.ts';
import type { ReadableDb, WritableDb } from '../storage/database.ts';

/** New measurements count this much against the mean so far; the machine may have become busier. */
const NEWEST_SHARE = 0.3;

export interface Measured {
  readonly secondsPerStep?: number;
  /** Loading, encoding, decoding, saving. */
  readonly secondsAround?: number;
}

/** Steps that really run: ComfyUI's rule runs all of them, diffusers' a share by denoising strength, A1111's one more. */
export function stepsRun(request: GenerationRequest): number {
  const first = request.kind === 'text-to-image' ? request.steps : stepsAtStrength(request);
  return first + secondPassSteps(request);
}

function stepsAtStrength({
  steps,
  denoisingStrength,
  stepRule,
}: Exclude<GenerationRequest, { kind: 'text-to-image' }>): number {
  if (denoisingStrength === 0) return 0;
  if (stepRule === 'comfy') return steps;
  return Math.min(steps, Math.floor(steps * denoisingStrength) + (stepRule === 'a1111' ? 1 : 0));
}

function secondPassSteps({ secondPass, steps }: GenerationRequest): number {
  return secondPass ? Math.floor((secondPass.steps ?? steps) * secondPass.denoisingStrength) : 0;
}

/** Units of progress of a whole job. */
export function unitsOf(request: JobRequest): number {
  if (request.kind === 'train-lora') return request.steps;
  return request.kind === 'upscale' ? 1 : stepsRun(request);
}

/** Keeps what a finished job took, in seconds; values that were not measured are passed over. */
export function learn(db: WritableDb, request: JobRequest, measured: Measured, now: number): void {
  for (const [what, value] of Object.entries(measured)) {
    if (value === undefined || !Number.isFinite(value) || value < 0) continue;
    remember(db, exactKey(request, what), value, now);
    remember(db, rateKey(request, what), value / pixelsOf(request), now);
  }
}

/** Expected seconds for a job, or null when nothing like it was measured. */
export function expectedSeconds(db: ReadableDb, request: JobRequest): number | null {
  const perStep = expected(db, request, 'secondsPerStep');
  if (perStep === null) return null;
  return perStep * unitsOf(request) + (expected(db, request, 'secondsAround') ?? 0);
}

/** The mean for just this kind of job, else for its model and kind in proportion to the pixels. */
export function expected(db: ReadableDb, request: JobRequest, what: keyof Measured): number | null {
  const known = recall(db, exactKey(request, what));
  if (known !== null) return known;
  const perPixel = recall(db, rateKey(request, what));
  return perPixel === null ? null : perPixel * pixelsOf(request);
}

/** What a job loads: its model by contents, by name until it has been hashed. */
export function modelKey(request: JobRequest): string {
  const { name, sha256 } = request.kind === 'upscale' ? request.upscaler : request.checkpoint;
  return sha256 ?? name;
}

/** Names a measurement of jobs of just this model, kind and size. */
export function exactKey(request: JobRequest, what: string): string {
  const model = modelKey(request);
  if (request.kind === 'upscale') return `${what}|upscale|${request.upscaler.name}|${request.tile}`;
  if (request.kind === 'train-lora') {
    const { resolution, batch, rank } = request;
    return `${what}|train|${model}|${resolution}|${batch}|${rank}`;
  }
  const { kind, width, height, batch, speed, controls, guidanceScale } = request;
  const passes = guidanceScale === 1 ? 1 : 2;
  const shape = `${width}x${height}x${batch}|${passes}|${controls.length}|${request.secondPass?.scale ?? 1}`;
  return `${what}|${kind}|${model}|${speed}|${shape}`;
}

/** Names what is measured per pixel, for sizes not seen yet. */
function rateKey(request: JobRequest, what: string): string {
  if (request.kind === 'upscale') return `${what}|upscale`;
  const kind = request.kind === 'train-lora' ? 'train' : request.speed;
  return `${what}|${modelKey(request)}|${kind}`;
}

function pixelsOf(request: JobRequest): number {
  if (request.kind === 'upscale') return 1;
  if (request.kind === 'train-lora') return request.resolution ** 2 * request.batch;
  return request.width * request.height * request.batch;
}

/** Takes a value into the running mean of its key. */
export function remember(db: WritableDb, key: string, value: number, now: number): void {
  db.run(
    `INSERT INTO measurements VALUES (?, ?, 1, ?)
     ON CONFLICT(key) DO UPDATE SET mean = mean + (excluded.mean - mean) * max(?, 1.0 / (count + 1)), count = count + 1, updated = excluded.updated`,
    key,
    value,
    now,
    NEWEST_SHARE,
  );
}

/** The running mean; null before the first value. */
export function recall(db: ReadableDb, key: string): number | null {
  return db.value<number>('SELECT mean FROM measurements WHERE key = ?', key) ?? null;
}
