/**
 * Packed weights of a network (8-bit integers, or prepared for fewer products), from a file beside the app's data that is
 * made once for its contents: a checkpoint that was moved, renamed or copied finds them again, one that was changed does not.
 */
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { PACKED } from '../../../native-models/layers/integer.ts';
import type { PackedBits, Packing } from '../../../native-models/layers/scope.ts';
import { WINOGRAD, winogradTile } from '../../../native-models/layers/winograd.ts';
import { integerLayers, type PackedPart } from '../../../native-models/models/integerLayers.ts';
import { winogradLayers } from '../../../native-models/models/winogradLayers.ts';
import type { CanonicalTensors } from '../../../native-models/weights/keys.ts';
import { packWeight } from '../../../native-models/weights/packed.ts';
import { readTensor, readTensorFloat32, type TensorInfo } from '../../../native-models/weights/tensors.ts';
import { winogradKernels } from '../../../native-models/weights/winogradKernels.ts';
import { sizeOf } from '../../pipeline/tensor.ts';
import { cacheProblem, copyAt, isFull } from './cacheFolder.ts';
import { partialOf, type ResumableOptions, type TensorGroup, writeResumable } from './resumable.ts';

/** How weights are packed, and where the copy is kept. */
export interface PackedOptions extends Pick<ResumableOptions, 'signal' | 'onProgress' | 'syncBytes'> {
  readonly packing: Packing;
  readonly cacheDir: string;
  /** Of all copies in that folder, in bytes. */
  readonly limit?: number;
}

/** Part of the file's name; raise it when the layout or the rule changes. */
const FORMAT = 4;
/** Bytes looked at in each tensor, at its start, middle and end. */
const SAMPLE = 1024;

/** The weights of a network, packed or as they are. */
export interface PackedOrPlain {
  readonly tensors: CanonicalTensors;
  /** Set where they are not packed: why, as half a sentence. */
  readonly problem?: string;
}

/** As `withPackedWeights`, or the weights as they are where the folder takes no file (read-only, full). */
export async function packedOrPlain(
  part: PackedPart,
  tensors: CanonicalTensors,
  options: PackedOptions,
): Promise<PackedOrPlain> {
  try {
    return { tensors: await withPackedWeights(part, tensors, options) };
  } catch (error) {
    const problem = cacheProblem(options.cacheDir, error);
    if (problem === undefined) throw error;
    return { tensors, problem };
  }
}

/** `tensors` with packed weights beside the layers that have them, from a copy in the cache folder; cancellable. */
export async function withPackedWeights(
  part: PackedPart,
  tensors: CanonicalTensors,
  options: PackedOptions,
): Promise<CanonicalTensors> {
  const { packing, cacheDir, limit } = options;
  const form = packing === 'winograd' ? packing : `int${packing}`;
  const path = join(cacheDir, `${fingerprint(part, tensors)}.${form}.safetensors`);
  const make = (): Promise<void> =>
    write(path, groupsOf(part, tensors, packing), { ...options, metadata: { 'emulsion.cache': form } });
  return new Map([...tensors, ...(await copyAt(path, make, limit))]);
}

/** A part that no disk space is left for is of no use: it goes. */
async function write(path: string, groups: readonly TensorGroup[], options: ResumableOptions): Promise<void> {
  try {
    await writeResumable(path, groups, options);
  } catch (error) {
    if (error instanceof Error && isFull(error)) rmSync(partialOf(path), { force: true });
    throw error;
  }
}

/** `tensors` without the packed form of layers whose weights are not the checkpoint's own (a merged LoRA). */
export function withoutPacked(tensors: CanonicalTensors, changed: Iterable<string>): CanonicalTensors {
  const kept = new Map(tensors);
  for (const name of changed) {
    const layer = name.replace(/\.(weight|bias)$/, '');
    for (const tensor of [...Object.values(PACKED), WINOGRAD]) kept.delete(`${layer}.${tensor}`);
  }
  return kept;
}

/** Tells contents apart without reading them all: names, types and shapes, and some bytes of every tensor. */
function fingerprint(part: PackedPart, tensors: CanonicalTensors): string {
  const hash = createHash('sha256').update(`${FORMAT}|${part}`);
  for (const [name, info] of [...tensors].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`|${name}|${info.dtype}|${info.shape}|`);
    for (const share of [0, 0.5, 1]) hash.update(sample(info, share));
  }
  return hash.digest('hex').slice(0, 32);
}

function sample(info: TensorInfo, share: number): Uint8Array {
  const byteLength = Math.min(SAMPLE, info.byteLength);
  return readTensor({
    ...info,
    byteLength,
    offset: info.offset + Math.floor(share * (info.byteLength - byteLength)),
  });
}

/** One layer at a time is in memory: its float32 values and what becomes of them. */
function groupsOf(part: PackedPart, tensors: CanonicalTensors, packing: Packing): TensorGroup[] {
  const info = (layer: string): TensorInfo => tensors.get(`${layer}.weight`)!;
  const fewerProducts = winogradLayers(part, tensors);
  const winograd = (layer: string): TensorGroup => winogradGroup(layer, info(layer));
  if (packing === 'winograd') return fewerProducts.map(winograd);
  const integers = integerLayers(part, tensors);
  // What may not be coarse, where fewer products pay.
  const precise = fewerProducts.filter((layer) => !integers.includes(layer));
  return [...precise.map(winograd), ...integers.map((layer) => packedGroup(layer, info(layer), packing))];
}

function winogradGroup(layer: string, info: TensorInfo): TensorGroup {
  const [outChannels, inChannels] = info.shape as [number, number];
  const tile = winogradTile([outChannels, inChannels])!;
  const shape = [(tile + 2) ** 2, outChannels, inChannels];
  return {
    tensors: [{ name: `${layer}.${WINOGRAD}`, dtype: 'F32', shape }],
    make: () => [new Uint8Array(winogradKernels(readTensorFloat32(info), info.shape, tile).buffer)],
  };
}

function packedGroup(layer: string, info: TensorInfo, bits: PackedBits): TensorGroup {
  const [columns, ...rest] = info.shape as [number, ...number[]];
  const matrix = [sizeOf(rest), columns];
  const tensors = [
    { name: `${layer}.${PACKED.scale}`, dtype: 'F32' as const, shape: [columns] },
    { name: `${layer}.${PACKED.high}`, dtype: 'I8' as const, shape: matrix },
    ...(bits === 16 ? [{ name: `${layer}.${PACKED.low}`, dtype: 'I8' as const, shape: matrix }] : []),
  ];
  const make = (): Uint8Array[] => {
    const { scale, high, low } = packWeight(readTensorFloat32(info), info.shape, bits);
    return [scale, high, ...(low ? [low] : [])].map(
      ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
    );
  };
  return { tensors, make };
}
