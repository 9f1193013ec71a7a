import { copyFileSync, existsSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { MemoryMode } from '../../../main/engine/border/protocol.ts';
import { createHost } from '../../../main/engine/loading/host.ts';
import { createShelf, type Shelved } from '../../../main/engine/loading/shelf.ts';
import { openCheckpoint } from '../../../main/engine/weights/checkpoint.ts';
import { cachedWeights, cachePath } from '../../../main/engine/weights/fp32Cache.ts';
import { TINY_CHECKPOINT } from '../../helpers/tinyModel.ts';
import { temporaryFolder } from '../../helpers/weightFiles.ts';

const host = createHost();
afterAll(() => host.release());

/** A shelf, what was freed, and a way to load what is not there. */
function shelf(limit: number) {
  const freed: string[] = [];
  const kept = createShelf<Shelved>(limit);
  const load = async (key: string, isEvictable: boolean): Promise<boolean> => {
    if (kept.take(key)) return false;
    await kept.makeRoom(isEvictable);
    kept.put({ key, isEvictable, release: async () => void freed.push(key) });
    return true;
  };
  return { kept, freed, load };
}

test('mapped checkpoints stay, the newest of them; others make room first', async () => {
  const { kept, freed, load } = shelf(2);
  await load('a', true);
  await load('b', true);
  expect(await load('a', true)).toBe(false);
  await load('c', true);
  expect(freed).toEqual(['b']);
  await load('d', false);
  expect(freed).toEqual(['b', 'a', 'c']);
  await load('e', true);
  expect(freed.at(-1)).toBe('d');
  await kept.releaseAll();
  expect(freed.at(-1)).toBe('e');
  expect(kept.take('e')).toBeUndefined();
});

test('a cached checkpoint whose copy made room for others is loaded again', async () => {
  const folder = temporaryFolder();
  const open = async () => {
    const { networks } = await host.open(TINY_CHECKPOINT, {
      settings: { memory: 'cached', device: 'cpu', cacheDir: folder, threads: 1, previews: false },
      pixels: 64 * 64,
      loras: [],
      signal: new AbortController().signal,
    });
    return networks;
  };
  await open();
  const copy = cachePath(TINY_CHECKPOINT, folder);
  rmSync(copy);
  const latent = { data: new Float32Array(4 * 64).fill(1), shape: [1, 4, 8, 8] };
  const image = await (await open()).decodeLatent(latent);
  expect([image.shape, existsSync(copy)]).toEqual([[1, 3, 64, 64], true]);
  await host.release();
});

test('using a float32 copy makes it the latest used and trims the others', async () => {
  const folder = temporaryFolder();
  const use = (limit?: number) =>
    cachedWeights(
      openCheckpoint(TINY_CHECKPOINT, { flavour: 'cpu' }),
      folder,
      new AbortController().signal,
      limit,
    );
  await use();
  const copy = cachePath(TINY_CHECKPOINT, folder);
  const [older, newer] = ['older', 'newer'].map((name) => join(folder, `${name}.safetensors`));
  for (const path of [older!, newer!]) copyFileSync(copy, path);
  utimesSync(copy, 1000, 1000);
  utimesSync(older!, 2000, 2000);
  await use(2.5 * statSync(copy).size);
  expect([copy, older!, newer!].map((path) => existsSync(path))).toEqual([true, false, true]);
  expect(Date.now() - statSync(copy).mtimeMs).toBeLessThan(60_000);
});

test('going back to a checkpoint loads nothing in mode cached, and its networks again in mode normal', async () => {
  const folder = temporaryFolder();
  const other = join(folder, 'other.safetensors');
  copyFileSync(TINY_CHECKPOINT, other);
  const predict = async (path: string, memory: MemoryMode, loads: string[]): Promise<Float32Array> => {
    const { networks } = await host.open(path, {
      settings: { memory, device: 'cpu', cacheDir: folder, threads: 1, previews: false },
      pixels: 64 * 64,
      loras: [],
      onLoad: (network) => loads.push(network),
      signal: new AbortController().signal,
    });
    const { data } = await networks.predictNoise({
      latent: { data: new Float32Array(4 * 64).fill(1), shape: [1, 4, 8, 8] },
      timestep: Float32Array.of(500),
      context: { data: new Float32Array(77 * 24), shape: [1, 77, 24] },
    });
    return data;
  };
  for (const [memory, expected] of [
    ['cached', 2],
    ['normal', 3],
  ] as const) {
    const loads: string[] = [];
    const first = await predict(TINY_CHECKPOINT, memory, loads);
    await predict(other, memory, loads);
    expect(await predict(TINY_CHECKPOINT, memory, loads)).toEqual(first);
    expect(loads).toHaveLength(expected);
    await host.release();
  }
}, 60_000);
