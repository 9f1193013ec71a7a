/** One door for all formats; shards are joined, and never looked for outside their folder. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { openWeights } from '../../native-models/weights/open.ts';
import { floatSource, writeSafetensors } from '../../native-models/weights/safetensorsWriter.ts';
import { readFloat32 } from '../../native-models/weights/tensors.ts';
import { tensor, torchArchive } from '../helpers/torchFiles.ts';
import { fileOf, safetensorsBytes, temporaryFolder } from '../helpers/weightFiles.ts';

describe('openWeights', () => {
  it('goes by the content, whatever the name', () => {
    const archive = torchArchive(
      { dict: [['x', tensor({ key: '0', length: 1, shape: [1] })]] },
      { 0: new Uint8Array(4) },
    );
    expect([...openWeights(fileOf(archive, 'renamed.safetensors')).tensors.keys()]).toEqual(['x']);
    expect(openWeights(fileOf(safetensorsBytes('{}'), 'renamed.ckpt')).tensors.size).toBe(0);
    expect(() => openWeights(fileOf(new Uint8Array(), 'empty.ckpt'))).toThrow(/only 0 bytes/);
  });

  it('is not misled by a header whose length begins like a pickle', () => {
    for (const length of [640, 896, 1152, 1408]) {
      const header = '{}'.padEnd(length);
      expect(openWeights(fileOf(safetensorsBytes(header), 'small.safetensors')).tensors.size).toBe(0);
    }
  });
});

describe('shards', () => {
  let folder: string;
  let index: string;
  const writeIndex = (json: unknown): void => writeFileSync(index, JSON.stringify(json));

  beforeEach(async () => {
    folder = temporaryFolder();
    index = join(folder, 'model.safetensors.index.json');
    await writeSafetensors(join(folder, '1.safetensors'), [floatSource('a', [1], Float32Array.of(1))], {
      format: 'pt',
    });
    await writeSafetensors(join(folder, '2.safetensors'), [
      floatSource('b', [2], Float32Array.of(2, 3)),
      floatSource('c', [1], Float32Array.of(4)),
    ]);
  });

  it('are one file to the rest of the app', () => {
    writeIndex({ metadata: { total_size: 12 }, weight_map: { a: '1.safetensors', b: '2.safetensors' } });
    const file = openWeights(index);
    expect([...file.tensors.keys()]).toEqual(['a', 'b']);
    expect([...readFloat32(file, 'a'), ...readFloat32(file, 'b')]).toEqual([1, 2, 3]);
    expect(file.tensors.get('b')!.path).toBe(join(folder, '2.safetensors'));
    expect(file.metadata).toEqual({ format: 'pt' });
  });

  it.each([
    [{ weight_map: { a: '../1.safetensors' } }, /names the shard "\.\.\/1\.safetensors"/],
    [{ weight_map: { a: '/etc/passwd' } }, /Shards must be \.safetensors files in the same folder/],
    [{ weight_map: { a: '..\\\\1.safetensors' } }, /names the shard/],
    [{ weight_map: { a: 7 } }, /names the shard 7/],
    [{ weight_map: { b: '1.safetensors' } }, /tensor "b" is not in 1\.safetensors/],
    [{ weight_map: { a: '3.safetensors' } }, /3\.safetensors: there is no such file/],
    [{ weight_map: ['1.safetensors'] }, /no index of shards/],
    [[], /no index of shards/],
  ])('%j is refused', (json, message) => {
    writeIndex(json);
    expect(() => openWeights(index)).toThrow(message);
  });

  it('refuses an index that is not JSON', () => {
    writeFileSync(index, '{');
    expect(() => openWeights(index)).toThrow(/no index of shards/);
  });
});
