/** The ways to run a job and what each takes, estimated from the size of its model and picture: for the queue and the command line. */
import { StudioError } from '../../preload/errors.ts';
import type { JobRequest, Plan } from '../../preload/jobs.ts';
import type { MemoryMode } from '../engine/border/protocol.ts';
import { type LoadedMode, VAE_BYTES_PER_PIXEL, vaeTileFor } from '../engine/devices/memory.ts';
import { finalSize } from '../images/comfy/exportSampling.ts';

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
/** Of SD 1.5 with text encoder and VAE, for which the bytes per pixel were measured. */
const MEASURED_PARAMETERS = 1.07e9;
/** A ControlNet is the encoder half of its U-Net. */
const CONTROL_SHARE = 0.42;
/** Of a checkpoint's weights. */
const VAE_SHARE = 0.1;
/** An estimate may be too high by this much: what is refused has to be impossible. */
const DOUBT = 1.5;

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

/** What is known of the memory that jobs take: where they are queued a database corrects the estimates. */
export interface MemorySource {
  /** Bytes at the peak. */
  needed(request: JobRequest, way: Way): number;
  /** Weights of the checkpoint that the job loads, 0 where that is not known. */
  parameters(request: JobRequest): number;
}

/** The first way that fits; where none does, the thriftiest, called `too-large`. */
export function chooseWay(source: MemorySource, request: JobRequest, now: MemoryNow): MemoryChoice {
  const availableBytes = Math.max(0, now.available - RESERVE_BYTES);
  const ways = waysOf(request, now.wanted);
  const fitting = ways.find((way) => fits(source, request, way, availableBytes));
  const way = fitting ?? { ...(ways.at(-1) ?? LOW), verdict: 'too-large' as const };
  return { ...way, availableBytes, neededBytes: source.needed(request, way) };
}

/** Same shape, smaller by steps of 64 on the longer side, until it fits; null where nothing does. */
export function largestFitting(
  source: MemorySource,
  request: JobRequest,
  now: MemoryNow,
): Plan['suggestion'] {
  if (request.kind === 'upscale' || request.kind === 'train-lora') return null;
  const longer = Math.max(request.width, request.height);
  for (let side = Math.floor((longer - 1) / 64) * 64; side >= 256; side -= 64) {
    const shrunk = (length: number) => Math.max(64, Math.round((length * side) / longer / 64) * 64);
    const smaller = { ...request, width: shrunk(request.width), height: shrunk(request.height) };
    if (chooseWay(source, smaller, now).verdict !== 'too-large')
      return { width: smaller.width, height: smaller.height };
  }
  return null;
}

/**
 * Refuses what no closing of other programs would make room for. What only may not fit is run: an estimate is one.
 * @throws StudioError `too-large` that says what would fit.
 */
export function refuseImpossible(
  source: MemorySource,
  request: JobRequest,
  now: MemoryNow,
  totalBytes: number,
): void {
  const way = waysOf(request, 'low')[0] ?? LOW;
  const needed = source.needed(request, way);
  if (needed <= totalBytes * DOUBT) return;
  const gigabytes = (bytes: number) => Math.round(bytes / 1e9);
  const { width, height, batch } = workOf(request);
  const message = `${width} × ${height}, ${batch} at once, takes about ${gigabytes(needed)} GB of memory, and this machine has ${gigabytes(totalBytes)} GB.`;
  throw new StudioError('too-large', message, fittingHint(largestFitting(source, request, now)));
}

/** What a job that may not fit takes, and what would fit. */
export function remarkOnMemory(
  { neededBytes, availableBytes }: MemoryChoice,
  suggestion: Plan['suggestion'],
): string {
  const gigabytes = (bytes: number) => (bytes / 1e9).toFixed(1);
  return `This takes about ${gigabytes(neededBytes)} GB of memory, and ${gigabytes(availableBytes)} GB are free. If it fails: ${fittingHint(suggestion)}`;
}

/** What is computed at once. */
function workOf(request: JobRequest): { width: number; height: number; batch: number } {
  switch (request.kind) {
    case 'upscale':
      return { width: request.tile, height: request.tile, batch: 1 };
    case 'train-lora':
      return { width: request.resolution, height: request.resolution, batch: request.batch };
    default:
      return { ...finalSize(request), batch: request.batch };
  }
}

function fittingHint(suggestion: Plan['suggestion']): string {
  return suggestion === null
    ? 'Choose a smaller size, tile or batch.'
    : `Choose ${suggestion.width} × ${suggestion.height} or smaller.`;
}

/** Only painting has several ways. */
function waysOf({ kind }: JobRequest, wanted: MemoryMode): readonly Way[] {
  return kind === 'upscale' || kind === 'train-lora' ? WAYS.normal.slice(0, 1) : WAYS[wanted];
}

function fits(source: MemorySource, request: JobRequest, way: Way, available: number): boolean {
  if (source.needed(request, way) > available) return false;
  if (way.tiled || request.kind === 'upscale' || request.kind === 'train-lora') return true;
  // The engine decodes whole pictures only where half of what is then free stays free.
  const { width, height } = finalSize(request);
  const left = available - PROCESS_BYTES - weightBytes(request, source.parameters(request), way.mode);
  return vaeTileFor(width * height, way.mode, left) >= Math.max(width, height);
}

/** For exact weights: whether this machine packs them for a faster speed is the engine's to find out, and measured then. */
export function estimatedBytes(request: JobRequest, parameters: number, { mode, tiled }: Way): number {
  if (request.kind === 'upscale') return PROCESS_BYTES + request.tile ** 2 * UPSCALER_BYTES_PER_PIXEL;
  const weights = weightBytes(request, parameters, mode);
  if (request.kind === 'train-lora')
    return PROCESS_BYTES + weights + request.batch * request.resolution ** 2 * TRAINING_BYTES_PER_PIXEL;
  const { width, height } = finalSize(request);
  const passes = request.guidanceScale === 1 ? 1 : 2;
  const step = ((width * height) / 64) * passes * request.batch * bytesPerLatentPixel(parameters);
  const decoded = tiled ? Math.min(width * height, TILE_PIXELS) : width * height;
  // In low mode the networks are loaded one at a time.
  const whileDecoding = mode === 'low' ? weights * VAE_SHARE : weights;
  return PROCESS_BYTES + Math.max(weights + step, whileDecoding + decoded * VAE_BYTES_PER_PIXEL);
}

/** Activations grow with a network's channels, its weights with their square. Larger models are deeper, not wider. */
function bytesPerLatentPixel(parameters: number): number {
  const width = parameters === 0 ? 1 : Math.sqrt(parameters / MEASURED_PARAMETERS);
  return BYTES_PER_LATENT_PIXEL * Math.min(1, width);
}

function weightBytes(request: JobRequest, parameters: number, mode: LoadedMode): number {
  if (request.kind === 'upscale') return 0;
  const controls = request.kind === 'train-lora' ? 0 : request.controls.length * CONTROL_SHARE;
  return parameters * (1 + controls) * WEIGHT_BYTES[mode];
}

/** Most checkpoints are of one element type, and nearly all of those of half precision. */
const ELEMENT_BYTES: Readonly<Record<string, number>> = { F32: 4, F16: 2, BF16: 2, F8_E4M3: 1, F8_E5M2: 1 };

/** Weights in a file of so many bytes, most of which are of this type. */
export function parametersIn(bytes: number, dtype: string): number {
  return bytes / (ELEMENT_BYTES[dtype] ?? 2);
}
