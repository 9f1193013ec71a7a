/** What of a checkpoint fits into a device's memory: everything, ever less of it at once, or nothing. */
import { SMALLEST_TILE, VAE_BYTES_PER_PIXEL, vaeTileFor } from './memory.ts';

/** Bytes of weights on the device, and the size of the picture. */
export interface Need {
  readonly unet: number;
  readonly textEncoders: number;
  readonly vae: number;
  readonly pixels: number;
  /** Of a step's batch: two a picture where guidance is on. */
  readonly rows: number;
  /** ONNX Runtime's attention kernel keeps no matrix of scores. */
  readonly fusedAttention: boolean;
  readonly bytesPerValue: 2 | 4;
}

/** How a picture is painted on a device. */
interface DevicePlan {
  readonly textOnCpu: boolean;
  /** How many rows of a step's batch are evaluated at once. */
  readonly rows: number;
  /** A network is freed before the next is loaded. */
  readonly oneAtATime: boolean;
}

/** Where a job runs: on its device by a plan that fits, or on the CPU, and why. */
export type Placement =
  | ({
      readonly on: 'device';
      /** Bytes that the VAE may use while it decodes, where the device's memory is known. */
      readonly vaeBytes: number | undefined;
      /** What all of it is expected to take. */
      readonly bytes: number;
    } & DevicePlan)
  | { readonly on: 'cpu'; readonly reason: string };

/** Ways to paint a batch, the fastest first. */
function plansFor(rows: number): readonly DevicePlan[] {
  return [
    { textOnCpu: false, rows, oneAtATime: false },
    { textOnCpu: true, rows, oneAtATime: false },
    { textOnCpu: true, rows: 1, oneAtATime: false },
    { textOnCpu: true, rows: 1, oneAtATime: true },
  ];
}

/** The driver, the window and other programs keep this share. */
const USABLE = 0.85;

/** Activations of SD's U-Net for a row, in values per pixel of the picture: counted over its largest blocks, doubled. */
const UNET_VALUES_PER_PIXEL = 300;
const HEADS = 8;

/**
 * `memory`: bytes of the device, undefined where nobody knows: then everything is tried there. `limit`: what it is known
 * not to exceed, because it ran out of memory before.
 */
export function placementFor(
  need: Need,
  memory: number | undefined,
  limit = Number.POSITIVE_INFINITY,
): Placement {
  const plans = plansFor(need.rows);
  const usable = Math.min((memory ?? Number.POSITIVE_INFINITY) * USABLE, limit);
  const whole = need.pixels * vaeBytesPerPixel(need);
  const tile = Math.min(need.pixels, SMALLEST_TILE ** 2) * vaeBytesPerPixel(need);
  const plan = plans.find((each) => bytesOf(need, each, tile) <= usable);
  if (!plan) {
    const least = bytesOf(need, plans.at(-1)!, tile);
    const reason = `this picture needs ${gib(least)} GiB, of which the device has ${gib(usable)} to give`;
    return { on: 'cpu', reason };
  }
  const vaeBytes = usable - heldBeside(need, plan) - need.vae;
  const bytes = bytesOf(need, plan, Math.min(whole, Math.max(tile, vaeBytes)));
  return { on: 'device', ...plan, vaeBytes: Number.isFinite(usable) ? vaeBytes : undefined, bytes };
}

/** What is done to keep within the memory; empty where everything is on the device at once. */
export function savingsOf({ textOnCpu, rows, oneAtATime }: DevicePlan, need: Need): string[] {
  return [
    ...(textOnCpu ? ['the text encoder runs on the CPU'] : []),
    ...(rows < need.rows ? ['a batch is painted row by row'] : []),
    ...(oneAtATime ? ['one network is loaded at a time'] : []),
  ];
}

/** Bytes at the peak; `decoding`: what the VAE takes besides its weights. */
function bytesOf(need: Need, plan: DevicePlan, decoding: number): number {
  const steps = unetActivations(need, plan.rows);
  if (plan.oneAtATime) return Math.max(need.unet + steps, need.vae + decoding);
  return heldBeside(need, plan) + need.vae + Math.max(steps, decoding);
}

/** Weights that are on the device while the VAE works. */
function heldBeside({ unet, textEncoders }: Need, { textOnCpu, oneAtATime }: DevicePlan): number {
  return oneAtATime ? 0 : unet + (textOnCpu ? 0 : textEncoders);
}

/** The largest tile side of the VAE that `vaeBytes` hold, in pixels. */
export function tileOnDevice(pixels: number, vaeBytes: number, bytesPerValue: 2 | 4): number {
  // vaeTileFor counts float32 and takes half of what is free.
  return vaeTileFor(pixels, 'normal', (2 * vaeBytes * 4) / bytesPerValue);
}

function vaeBytesPerPixel({ bytesPerValue }: Need): number {
  return (VAE_BYTES_PER_PIXEL * bytesPerValue) / 4;
}

/** Without the fused kernel the scores of the first level (tokens² for every head) and their softmax exist at once. */
function unetActivations({ pixels, fusedAttention, bytesPerValue }: Need, rows: number): number {
  const tokens = pixels / 64;
  const scores = fusedAttention ? 0 : HEADS * tokens ** 2 * (bytesPerValue + 4);
  return rows * (UNET_VALUES_PER_PIXEL * pixels * bytesPerValue + scores);
}

function gib(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}
