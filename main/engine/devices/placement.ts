/** What of a checkpoint fits into a device's memory: everything, all but the text encoder, the VAE in tiles, or nothing. */
import { VAE_BYTES_PER_PIXEL, vaeTileFor } from '../memory.ts';

/** Bytes of weights on the device, and the size of the picture. */
export interface Need {
  readonly unet: number;
  readonly textEncoders: number;
  readonly vae: number;
  readonly pixels: number;
  /** ONNX Runtime's attention kernel keeps no matrix of scores. */
  readonly fusedAttention: boolean;
  readonly bytesPerValue: 2 | 4;
}

export type Placement =
  | {
      readonly on: 'device';
      readonly textOnCpu: boolean;
      /** Bytes that the VAE may use while it decodes, where the device's memory is known. */
      readonly vaeBytes: number | undefined;
    }
  | { readonly on: 'cpu'; readonly reason: string };

/** The driver, the window and other programs keep this share. */
const USABLE = 0.85;

/** Activations of SD's U-Net for a batch of two, in values per pixel of the picture: counted over its largest blocks, doubled. */
const UNET_VALUES_PER_PIXEL = 600;
/** Eight heads for each of the two. */
const SCORE_MATRICES = 16;
/** The VAE works in tiles of no less than this side. */
const SMALLEST_TILE = 544;

/** `memory`: bytes of the device, undefined where nobody knows: then everything is tried there. */
export function placementFor(need: Need, memory: number | undefined): Placement {
  if (memory === undefined) return { on: 'device', textOnCpu: false, vaeBytes: undefined };
  const usable = memory * USABLE;
  const networks = need.unet + need.vae;
  const tileBytes = Math.min(need.pixels, SMALLEST_TILE ** 2) * vaeBytesPerPixel(need);
  const least = Math.max(unetActivations(need), tileBytes);
  if (networks + least > usable) {
    const reason = `this picture needs ${gib(networks + least)} GiB, of which the device has ${gib(usable)} to give`;
    return { on: 'cpu', reason };
  }
  const textOnCpu = networks + need.textEncoders + least > usable;
  const held = networks + (textOnCpu ? 0 : need.textEncoders);
  return { on: 'device', textOnCpu, vaeBytes: usable - held };
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
function unetActivations({ pixels, fusedAttention, bytesPerValue }: Need): number {
  const tokens = pixels / 64;
  const scores = fusedAttention ? 0 : SCORE_MATRICES * tokens ** 2 * (bytesPerValue + 4);
  return UNET_VALUES_PER_PIXEL * pixels * bytesPerValue + scores;
}

function gib(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}
