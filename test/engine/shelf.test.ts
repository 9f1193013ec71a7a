import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createHost } from '../../main/engine/host.ts';
import type { MemoryMode } from '../../main/engine/protocol.ts';
import { createShelf, type Shelved } from '../../main/engine/shelf.ts';
import { TINY_CHECKPOINT } from '../helpers/tinyModel.ts';
import { temporaryFolder } from '../helpers/weightFiles.ts';

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
