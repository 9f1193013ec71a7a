/** How much memory may be traded for speed: the mode a checkpoint is loaded in, and how large pictures are decoded. */
import { availableMemory } from 'node:process';
import type { Packing } from '../../../native-models/layers/scope.ts';
import type { MemoryMode } from '../border/protocol.ts';

/** A mode that has been decided on. */
export type LoadedMode = Exclude<MemoryMode, 'auto'>;

/** Measured: a picture decoded in one piece takes about 6.5 KB per pixel at SD's VAE width. */
export const VAE_BYTES_PER_PIXEL = 6500;
/** Side of the smallest tile that the VAE works in: two of these, sharing 64 pixels, cover 1024. */
export const SMALLEST_TILE = 544;

/** The largest tile side that leaves half of the `free` bytes alone; whole pictures where they fit. */
export function vaeTileFor(pixels: number, memory: MemoryMode, free = availableMemory()): number {
  const budget = memory === 'low' ? SMALLEST_TILE ** 2 * VAE_BYTES_PER_PIXEL : free / 2;
  if (pixels * VAE_BYTES_PER_PIXEL <= budget) return Number.MAX_SAFE_INTEGER;
  const side = Math.floor(Math.sqrt(budget / VAE_BYTES_PER_PIXEL) / 64) * 64;
  return Math.max(SMALLEST_TILE, side);
}

/** Measured on SD 1.5: what convolutions by fewer products take, of all weights in float32. */
const WINOGRAD_SHARE = 1.45;
/** What stays float32 beside layers in integers, as a share of all weights: text encoder, VAE encoder, time embedding, norms. */
const UNPACKED_SHARE = 0.2;

/** `auto`: normal while the weights as they are loaded, and half as much again, fit into what is free now. */
export function memoryMode(wanted: MemoryMode, float32Bytes: number, packing?: Packing): LoadedMode {
  // A float32 copy would hold mostly what is packed already.
  if (wanted === 'cached' && packing) return 'normal';
  if (wanted !== 'auto') return wanted;
  return float32Bytes * shareOf(packing) * 1.5 < availableMemory() ? 'normal' : 'low';
}

/** Bytes of a checkpoint as it is loaded, over those in float32. */
function shareOf(packing: Packing | undefined): number {
  if (packing === undefined) return 1;
  return packing === 'winograd' ? WINOGRAD_SHARE : packing / 32 + UNPACKED_SHARE;
}
