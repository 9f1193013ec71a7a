/** One door for every kind of weights file: what it is is read from its first bytes, not from its name. */
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { looksLikeTorch, openTorchFile } from '../torch/torchFile.ts';
import { openSafetensors } from './safetensors.ts';
import { readExactly, type TensorInfo, WeightsError, type WeightsFile, withRegularFile } from './tensors.ts';

/** A model of a hundred shards has an index of a few megabytes. */
const MAX_INDEX_BYTES = 50_000_000;

/** Opens a .safetensors file, a `*.safetensors.index.json` with its shards, or a .ckpt/.pt/.pth. Throws WeightsError. */
export function openWeights(path: string): WeightsFile {
  if (path.endsWith('.index.json')) return openShards(path);
  const start = withRegularFile(path, (fd, size) => readExactly(fd, path, 0, Math.min(9, size)));
  return looksLikeTorch(start) ? openTorchFile(path) : openSafetensors(path);
}

/** The index maps tensors to files beside it; only those tensors count, and each must be where the index says. */
function openShards(path: string): WeightsFile {
  const map = readIndex(path);
  const shards = new Map<string, WeightsFile>();
  for (const name of new Set(map.values())) shards.set(name, openSafetensors(join(dirname(path), name)));
  const tensors = new Map<string, TensorInfo>();
  for (const [tensor, shard] of map) {
    const info = shards.get(shard)!.tensors.get(tensor);
    if (!info)
      throw new WeightsError(
        path,
        `tensor "${tensor}" is not in ${shard}`,
        'Download all the shards of one version',
      );
    tensors.set(tensor, info);
  }
  return { path, tensors, metadata: [...shards.values()][0]?.metadata ?? {} };
}

function readIndex(path: string): ReadonlyMap<string, string> {
  const size = withRegularFile(path, (_fd, bytes) => bytes);
  const json = size <= MAX_INDEX_BYTES ? parse(readFileSync(path, 'utf8')) : undefined;
  const entries =
    isRecord(json) && isRecord(json['weight_map']) ? Object.entries(json['weight_map']) : undefined;
  if (!entries)
    throw new WeightsError(path, 'this is no index of shards', 'Choose the .safetensors file itself');
  return new Map(entries.map(([tensor, shard]) => [tensor, shardName(path, shard)]));
}

/** A shard is a plain file name: an index may not reach into other folders. */
function shardName(path: string, shard: unknown): string {
  if (
    typeof shard === 'string' &&
    shard.endsWith('.safetensors') &&
    !/[\\/]/.test(shard) &&
    basename(shard) === shard
  )
    return shard;
  throw new WeightsError(
    path,
    `it names the shard ${JSON.stringify(shard)}`,
    'Shards must be .safetensors files in the same folder',
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
