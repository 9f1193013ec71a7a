/** How much memory a job takes in each way it can be run: estimated from its models and size, corrected by what was measured. */

import type { JobRequest, Plan } from '../../preload/jobs.ts';
import type { MemoryMode } from '../engine/border/protocol.ts';
import { type LoadedMode, VAE_BYTES_PER_PIXEL, vaeTileFor } from '../engine/devices/memory.ts';
import { finalSize } from '../images/comfy/exportSampling.ts';
import { resolveModel } from '../library/resolve.ts';
import type { ReadableDb, WritableDb } from '../storage/database.ts';
import { exactKey, modelKey, recall, remember } from './estimates.ts';

/** What the engine may take, and how it has been told to run. */
export interface MemoryNow {
  /** Bytes free, with those the engine already holds: what is loaded is reused or freed. */
  readonly available: number;
  readonly wanted: MemoryMode;
}

export interface Way {
  readonly verdict: Plan['verdict'];
  readonly mode: LoadedMode;
  /** The VAE decodes in tiles. */
  readonly tiled: boolean;
}

export interface MemoryChoice extends Way {
  readonly neededBytes: number;
  readonly availableBytes: number;
}

/** Left for the window and the system. */
const RESERVE_BYTES = 300e6;
/** Node.js and ONNX Runtime before anything is loaded. */
const PROCESS_BYTES = 150e6;
/** Bytes per weight: in float32 with what ONNX Runtime keeps beside them; as float16 pages cast while running. */
const WEIGHT_BYTES: Readonly<Record<LoadedMode, number>> = { normal: 4.2, cached: 4.2, low: 1.4 };
/** A step of one conditioning at 512² takes 0.2 GB: activations grow with the latent, attention is never whole. */
const BYTES_PER_LATENT_PIXEL = 50_000;
const TRAINING_BYTES_PER_PIXEL = 25_000;
const UPSCALER_BYTES_PER_PIXEL = 4000;
const TILE_PIXELS = 544 ** 2;
/** A ControlNet is the encoder half of its U-Net. */
const CONTROL_SHARE = 0.42;
/** Of a checkpoint's weights. */
const VAE_SHARE = 0.1;
/** A measured peak corrects the estimates of the same model and mode by no more than this. */
const MAX_CORRECTION = 2;

const WHOLE_OR_TILED = (mode: LoadedMode): readonly Way[] => [
  { verdict: 'fits', mode, tiled: false },
  { verdict: 'tiled-vae', mode, tiled: true },
];
const LOW: Way = { verdict: 'low-memory', mode: 'low', tiled: true };

/** Ways by the mode wished for, the fastest first. */
const WAYS: Readonly<Record<MemoryMode, readonly Way[]>> = {
  auto: [...WHOLE_OR_TILED('normal'), LOW],
  normal: WHOLE_OR_TILED('normal'),
  cached: WHOLE_OR_TILED('cached'),
  low: [LOW],
};

/** The first way that fits; where none does, the thriftiest, called `too-large`. */
export function chooseMemory(db: ReadableDb, request: JobRequest, now: MemoryNow): MemoryChoice {
  const availableBytes = Math.max(0, now.available - RESERVE_BYTES);
  const ways = waysOf(request, now.wanted);
  const fitting = ways.find((way) => fits(db, request, way, availableBytes));
  const way = fitting ?? { ...(ways.at(-1) ?? LOW), verdict: 'too-large' as const };
  return { ...way, availableBytes, neededBytes: neededBytes(db, request, way) };
}

/** Only painting has several ways. */
function waysOf({ kind }: JobRequest, wanted: MemoryMode): readonly Way[] {
  return kind === 'upscale' || kind === 'train-lora' ? WAYS.normal.slice(0, 1) : WAYS[wanted];
}

function fits(db: ReadableDb, request: JobRequest, way: Way, available: number): boolean {
  if (neededBytes(db, request, way) > available) return false;
  if (way.tiled || request.kind === 'upscale' || request.kind === 'train-lora') return true;
  // The engine decodes whole pictures only where half of what is then free stays free.
  const { width, height } = finalSize(request);
  const left = available - PROCESS_BYTES - weightBytes(db, request, way.mode);
  return vaeTileFor(width * height, way.mode, left) >= Math.max(width, height);
}

/** Bytes at the peak: as measured for just this kind of job, else estimated. */
export function neededBytes(db: ReadableDb, request: JobRequest, way: Way): number {
  const measured = recall(db, exactKey(request, peakName(way)));
  if (measured !== null) return measured;
  return estimatedBytes(db, request, way) * (recall(db, correctionKey(request, way)) ?? 1);
}

/** Takes in what a job really took. */
export function learnPeak(
  db: WritableDb,
  request: JobRequest,
  way: Way,
  peakBytes: number,
  now: number,
): void {
  const correction = peakBytes / estimatedBytes(db, request, way);
  const bounded = Math.min(MAX_CORRECTION, Math.max(1 / MAX_CORRECTION, correction));
  remember(db, exactKey(request, peakName(way)), peakBytes, now);
  remember(db, correctionKey(request, way), bounded, now);
}

function peakName({ mode, tiled }: Way): string {
  return `peakBytes ${mode}${tiled ? ' tiled' : ''}`;
}

function correctionKey(request: JobRequest, way: Way): string {
  const speed = request.kind === 'upscale' || request.kind === 'train-lora' ? '' : request.speed;
  return `correction ${way.mode}|${request.kind}|${modelKey(request)}|${speed}`;
}

/** For exact weights: whether this machine packs them for a faster speed is the engine's to find out, and measured then. */
function estimatedBytes(db: ReadableDb, request: JobRequest, { mode, tiled }: Way): number {
  if (request.kind === 'upscale') return PROCESS_BYTES + request.tile ** 2 * UPSCALER_BYTES_PER_PIXEL;
  const weights = weightBytes(db, request, mode);
  if (request.kind === 'train-lora')
    return PROCESS_BYTES + weights + request.batch * request.resolution ** 2 * TRAINING_BYTES_PER_PIXEL;
  const { width, height } = finalSize(request);
  const passes = request.guidanceScale === 1 ? 1 : 2;
  const step = ((width * height) / 64) * passes * request.batch * BYTES_PER_LATENT_PIXEL;
  const decoded = tiled ? Math.min(width * height, TILE_PIXELS) : width * height;
  // In low mode the networks are loaded one at a time.
  const whileDecoding = mode === 'low' ? weights * VAE_SHARE : weights;
  return PROCESS_BYTES + Math.max(weights + step, whileDecoding + decoded * VAE_BYTES_PER_PIXEL);
}

function weightBytes(db: ReadableDb, request: JobRequest, mode: LoadedMode): number {
  if (request.kind === 'upscale') return 0;
  const model = resolveModel(db, request.checkpoint, undefined, 'checkpoint');
  const parameters = (model?.bytes ?? 0) / (ELEMENT_BYTES[model?.dtype ?? ''] ?? 2);
  const controls = request.kind === 'train-lora' ? 0 : request.controls.length * CONTROL_SHARE;
  return parameters * (1 + controls) * WEIGHT_BYTES[mode];
}

/** Most checkpoints are of one element type, and nearly all of those of half precision. */
const ELEMENT_BYTES: Readonly<Record<string, number>> = { F32: 4, F16: 2, BF16: 2, F8_E4M3: 1, F8_E5M2: 1 };
