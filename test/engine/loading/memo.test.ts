import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createHost } from '../../../main/engine/loading/host.ts';
import { contentKey, createMemo } from '../../../main/engine/loading/memo.ts';
import { PLAIN_SETTINGS } from '../../helpers/engineSettings.ts';
import { GOLDEN_DIR } from '../../helpers/golden.ts';
import { TINY_CHECKPOINT } from '../../helpers/tinyModel.ts';

const host = createHost();
afterAll(() => host.release());

test('what is known is not made again; what is unused for longest goes first', async () => {
  const memo = createMemo(1000);
  const made: string[] = [];
  const of = (key: string) =>
    memo.of(key, async () => {
      made.push(key);
      return { data: new Float32Array(100) };
    });
  await of('a');
  await of('b');
  await of('a');
  await of('c'); // 1200 bytes: b goes
  await of('a');
  await of('b');
  expect(made).toEqual(['a', 'b', 'c', 'b']);
  memo.clear();
  await of('a');
  expect(made).toHaveLength(5);
});

test('a failure is not kept', async () => {
  const memo = createMemo(1000);
  await expect(memo.of('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await memo.of('a', async () => 1)).toBe(1);
});

test('keys tell contents apart, whatever they are divided into', () => {
  const keys = [
    contentKey('a', 1),
    contentKey('a', '1'),
    contentKey('a1'),
    contentKey('', 'a', 1),
    contentKey('a', Float32Array.of(1)),
    contentKey('a', Float32Array.of(1, 0)),
    contentKey('a', Float32Array.of(1), Float32Array.of(0)),
  ];
  expect(new Set(keys).size).toBe(keys.length);
  expect(contentKey('a', Float32Array.of(1, 2))).toBe(contentKey('a', new Float32Array([1, 2])));
});

test('texts and pictures are encoded once, and again where a LoRA changes the text encoder', async () => {
  const path = join(GOLDEN_DIR, 'lora', 'lora_kohya_a.safetensors');
  const open = (textWeight?: number) =>
    host.open(TINY_CHECKPOINT, {
      settings: PLAIN_SETTINGS,
      pixels: 64 * 64,
      loras: textWeight === undefined ? [] : [{ path, unetWeight: 0, textWeight }],
      signal: new AbortController().signal,
    });
  const encode = async (clipSkip: number, textWeight?: number) => {
    const { networks } = await open(textWeight);
    const tokenIds = new Int32Array(77).fill(5);
    return (await networks.textModels[0]!.encode({ tokenIds, clipSkip })).embedding.data;
  };
  const first = await encode(1);
  expect(await encode(1)).toBe(first);
  expect(await encode(2)).not.toBe(first);
  expect(await encode(1, 0.5)).not.toEqual(first);
  expect(await encode(1)).toBe(first);
  const picture = (value: number) => ({
    data: new Float32Array(3 * 64 * 64).fill(value),
    shape: [1, 3, 64, 64],
  });
  const { networks } = await open();
  const latent = await networks.encodeImage(picture(0.5));
  expect(await networks.encodeImage(picture(0.5))).toBe(latent);
  expect((await networks.encodeImage(picture(0.4))).data).not.toEqual(latent.data);
}, 60_000);
