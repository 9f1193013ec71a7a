/** Packed weights of a checkpoint: made once for its contents, wherever the file lies, and bounded in size. */
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cacheProblem, trimCache } from '../../../main/engine/weights/cacheFolder.ts';
import { packedOrPlain, withoutPacked, withPackedWeights } from '../../../main/engine/weights/packedCache.ts';
import { type CanonicalTensors, canonicalTensors } from '../../../native-models/weights/keys.ts';
import { openWeights } from '../../../native-models/weights/open.ts';
import { packWeight } from '../../../native-models/weights/packed.ts';
import { floatSource, writeSafetensors } from '../../../native-models/weights/safetensorsWriter.ts';
import {
  readTensor,
  readTensorFloat32,
  type TensorInfo,
  WeightsError,
} from '../../../native-models/weights/tensors.ts';
import { winogradKernels } from '../../../native-models/weights/winogradKernels.ts';
import { smallCheckpoint } from '../../helpers/smallCheckpoint.ts';
import { tempFolder } from '../../helpers/tempFolder.ts';

const LAYER = 'input_blocks.1.1.transformer_blocks.0.attn1.to_q';
const signal = new AbortController().signal;

const unetOf = (path: string): CanonicalTensors => canonicalTensors(openWeights(path), 'unet');
const packedFiles = (folder: string): string[] =>
  readdirSync(folder).filter((name) => name.endsWith('.safetensors'));

test('layers worth it get packed tensors; first, last and time embedding do not', async () => {
  const folder = tempFolder();
  const plain = unetOf(await smallCheckpoint(folder));
  const tensors = await withPackedWeights('unet', plain, {
    packing: 16,
    cacheDir: join(folder, 'cache'),
    signal,
  });
  const info = plain.get(`${LAYER}.weight`)!;
  const expected = packWeight(readTensorFloat32(info), info.shape, 16);
  for (const part of ['high', 'low', 'scale'] as const) {
    const stored = readTensor(tensors.get(`${LAYER}.weight.${part}`)!);
    expect(Buffer.from(expected[part]!.buffer).equals(stored)).toBe(true);
  }
  for (const path of ['input_blocks.0.0', 'out.2', 'time_embed.0', 'input_blocks.1.0.emb_layers.1'])
    expect([plain.has(`${path}.weight`), tensors.has(`${path}.weight.high`)]).toEqual([true, false]);
});

test('convolutions worth it are prepared for fewer products, the others keep their own form', async () => {
  const folder = tempFolder();
  const plain = unetOf(await smallCheckpoint(folder));
  const weight = await wideConvolution(folder);
  const all = new Map([...plain, ['input_blocks.1.0.out_layers.3.weight', weight]]);
  const tensors = await withPackedWeights('unet', all, { packing: 'winograd', cacheDir: folder, signal });
  const prepared = [...tensors.keys()].filter((name) => name.endsWith('.winograd'));
  expect(prepared).toEqual(['input_blocks.1.0.out_layers.3.weight.winograd']);
  const stored = readTensorFloat32(tensors.get(prepared[0]!)!);
  expect(stored).toEqual(winogradKernels(readTensorFloat32(weight), weight.shape, 4));
  expect(withoutPacked(tensors, ['input_blocks.1.0.out_layers.3.weight']).size).toBe(all.size);
});

test('beside integers, convolutions that may not be coarse are prepared for fewer products', async () => {
  const folder = tempFolder();
  const plain = unetOf(await smallCheckpoint(folder));
  const weight = await wideConvolution(folder);
  const blocks = [...plain.keys()].map((name) => Number(/^output_blocks\.(\d+)\./.exec(name)?.[1] ?? 0));
  const last = `output_blocks.${Math.max(...blocks)}.0.out_layers.3.weight`;
  const early = 'input_blocks.1.0.out_layers.3.weight';
  const all = new Map([...plain, [last, weight], [early, weight]]);
  const tensors = await withPackedWeights('unet', all, { packing: 8, cacheDir: folder, signal });
  const forms = (name: string) => ['high', 'winograd'].filter((form) => tensors.has(`${name}.${form}`));
  expect([forms(last), forms(early), forms(`${LAYER}.weight`)]).toEqual([['winograd'], ['high'], ['high']]);
});

/** The small checkpoint has no layer of 128 channels; this file has one. */
async function wideConvolution(folder: string): Promise<TensorInfo> {
  const path = join(folder, 'wide.safetensors');
  const values = Float32Array.from({ length: 128 * 128 * 9 }, (_, i) => Math.sin(i));
  await writeSafetensors(path, [floatSource('wide', [128, 128, 3, 3], values)]);
  return openWeights(path).tensors.get('wide')!;
}

test('the same contents elsewhere use the same file; changed contents do not', async () => {
  const folder = tempFolder();
  const cacheDir = join(folder, 'cache');
  const options = { packing: 8, cacheDir, signal } as const;
  const original = await smallCheckpoint(folder);
  const copy = join(folder, 'copy.safetensors');
  copyFileSync(original, copy);
  await withPackedWeights('unet', unetOf(original), options);
  let worked = 0;
  await withPackedWeights('unet', unetOf(copy), { ...options, onProgress: () => worked++ });
  expect([worked, packedFiles(cacheDir).length]).toEqual([0, 1]);
  const bytes = readFileSync(copy);
  const { offset } = unetOf(copy).get(`${LAYER}.weight`)!;
  bytes[offset]! ^= 1;
  writeFileSync(copy, bytes);
  await withPackedWeights('unet', unetOf(copy), options);
  expect(packedFiles(cacheDir)).toHaveLength(2);
});

test('aborted half-way nothing is there to be used, and the next run ends with the same bytes', async () => {
  const folder = tempFolder();
  const unet = unetOf(await smallCheckpoint(folder));
  const [broken, whole] = [join(folder, 'broken'), join(folder, 'whole')];
  const controller = new AbortController();
  const onProgress = (done: number, total: number): void => {
    if (done > total / 2) controller.abort();
  };
  const first = withPackedWeights('unet', unet, {
    packing: 8,
    cacheDir: broken,
    signal: controller.signal,
    onProgress,
  });
  await expect(first).rejects.toThrow('abort');
  expect(packedFiles(broken)).toEqual([]);
  for (const cacheDir of [broken, whole])
    await withPackedWeights('unet', unet, { packing: 8, cacheDir, signal });
  const [name] = packedFiles(whole);
  expect(readFileSync(join(broken, name!)).equals(readFileSync(join(whole, name!)))).toBe(true);
});

test('beyond the bound the longest unused go first, never the one in use', async () => {
  const folder = tempFolder();
  const names = ['old', 'middle', 'new'].map((name) => join(folder, `${name}.safetensors`));
  for (const [age, path] of names.entries()) {
    writeFileSync(path, Buffer.alloc(100));
    utimesSync(path, 1000 + age, 1000 + age);
  }
  writeFileSync(join(folder, 'packing-gains.json'), Buffer.alloc(1000));
  trimCache(folder, [], 200);
  expect(names.map((path) => existsSync(path))).toEqual([false, true, true]);
  trimCache(folder, [names[1]!], 150);
  expect(names.map((path) => existsSync(path))).toEqual([false, true, false]);
  expect(existsSync(join(folder, 'packing-gains.json'))).toBe(true);
});

test('making a file trims the folder to its bound', async () => {
  const folder = tempFolder();
  const unet = unetOf(await smallCheckpoint(folder));
  const cacheDir = join(folder, 'cache');
  await withPackedWeights('unet', unet, { packing: 8, cacheDir, signal });
  const [first] = packedFiles(cacheDir);
  const { size } = statSync(join(cacheDir, first!));
  utimesSync(join(cacheDir, first!), 1000, 1000);
  await withPackedWeights('unet', unet, { packing: 16, cacheDir, signal, limit: 2.5 * size });
  expect(packedFiles(cacheDir).map((name) => name.slice(-17))).toEqual(['int16.safetensors']);
});

test('using a file makes it the latest used and trims the others, as making one does', async () => {
  const folder = tempFolder();
  const unet = unetOf(await smallCheckpoint(folder));
  const cacheDir = join(folder, 'cache');
  await withPackedWeights('unet', unet, { packing: 8, cacheDir, signal });
  const [used] = packedFiles(cacheDir);
  const { size } = statSync(join(cacheDir, used!));
  utimesSync(join(cacheDir, used!), 1000, 1000);
  for (const [age, name] of ['older', 'newer'].entries()) {
    writeFileSync(join(cacheDir, `${name}.safetensors`), Buffer.alloc(size));
    utimesSync(join(cacheDir, `${name}.safetensors`), 2000 + age, 2000 + age);
  }
  await withPackedWeights('unet', unet, { packing: 8, cacheDir, signal, limit: 2.5 * size });
  expect(packedFiles(cacheDir).sort()).toEqual([used!, 'newer.safetensors'].sort());
  expect(Date.now() - statSync(join(cacheDir, used!)).mtimeMs).toBeLessThan(60_000);
});

test('a damaged file is made again', async () => {
  const folder = tempFolder();
  const unet = unetOf(await smallCheckpoint(folder));
  const options = { packing: 8, cacheDir: join(folder, 'cache'), signal } as const;
  await withPackedWeights('unet', unet, options);
  const path = join(options.cacheDir, packedFiles(options.cacheDir)[0]!);
  const whole = readFileSync(path);
  writeFileSync(path, whole.subarray(0, whole.length / 2));
  const tensors = await withPackedWeights('unet', unet, options);
  expect(readFileSync(path).equals(whole)).toBe(true);
  expect(tensors.has(`${LAYER}.weight.high`)).toBe(true);
});

test('a folder that takes no file: the weights as they are, and why', async () => {
  const folder = tempFolder();
  const unet = unetOf(await smallCheckpoint(folder));
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const cacheDir = join(file, 'cache');
  const { tensors, problem } = await packedOrPlain('unet', unet, { packing: 8, cacheDir, signal });
  expect(tensors).toBe(unet);
  expect(problem).toBe(`the folder ${cacheDir} cannot be written (ENOTDIR)`);
});

test.skipIf(!existsSync('/dev/full'))(
  'a full disk: the weights as they are, why, and no half of a file',
  async () => {
    const folder = tempFolder();
    const unet = unetOf(await smallCheckpoint(folder));
    const options = { packing: 8, cacheDir: join(folder, 'cache'), signal } as const;
    await withPackedWeights('unet', unet, options);
    const path = join(options.cacheDir, packedFiles(options.cacheDir)[0]!);
    rmSync(path);
    symlinkSync('/dev/full', `${path}.partial`);
    const { tensors, problem } = await packedOrPlain('unet', unet, options);
    expect(tensors).toBe(unet);
    expect(problem).toBe(`there is no space left on the disk of ${options.cacheDir}`);
    expect(readdirSync(options.cacheDir)).toEqual([]);
    expect((await packedOrPlain('unet', unet, options)).problem).toBeUndefined();
  },
);

test('what is wrong with the checkpoint, or with nothing, is no problem of the folder', async () => {
  const stop = new AbortController();
  stop.abort();
  const unet = unetOf(await smallCheckpoint(tempFolder()));
  const aborted = packedOrPlain('unet', unet, { packing: 8, cacheDir: tempFolder(), signal: stop.signal });
  await expect(aborted).rejects.toThrow('abort');
  expect(
    cacheProblem('/cache', new WeightsError('/models/a.safetensors', 'broken', 'Mend it')),
  ).toBeUndefined();
  expect(
    cacheProblem('/cache', new WeightsError('/cache/a.safetensors', 'the disk is full', 'Free some')),
  ).toBe('a.safetensors: the disk is full. Free some');
});

test('a layer changed by a merged LoRA loses its packed form, others keep theirs', async () => {
  const folder = tempFolder();
  const packed = await withPackedWeights('unet', unetOf(await smallCheckpoint(folder)), {
    packing: 8,
    cacheDir: folder,
    signal,
  });
  const kept = withoutPacked(packed, [`${LAYER}.weight`]);
  expect([
    kept.has(`${LAYER}.weight`),
    kept.has(`${LAYER}.weight.high`),
    packed.has(`${LAYER}.weight.high`),
  ]).toEqual([true, false, true]);
  expect(packed.size - kept.size).toBe(2);
});
