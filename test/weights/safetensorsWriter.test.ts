/** The safetensors writer: what it writes is read back, is the same every time, and is there whole or not at all. */
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openSafetensors, readFloat32, readTensorBytes } from '../../native-models/weights/safetensors.ts';
import {
  floatSource,
  type TensorSource,
  writeSafetensors,
} from '../../native-models/weights/safetensorsWriter.ts';
import { DTYPE_BYTES, type TensorDtype } from '../../native-models/weights/tensors.ts';
import { temporaryFolder } from '../helpers/weightFiles.ts';

const dtype = fc.constantFrom(...(Object.keys(DTYPE_BYTES) as TensorDtype[]));
const shape = fc.array(fc.nat(4), { maxLength: 3 });
const name = fc
  .oneof(fc.string(), fc.constantFrom('__proto__', '10', '2', 'é\n"'))
  .filter((text) => text !== '__metadata__');
const tensor = fc.tuple(name, dtype, shape).chain(([name, dtype, shape]) => {
  const length = shape.reduce((product, dim) => product * dim, DTYPE_BYTES[dtype]);
  return fc
    .uint8Array({ minLength: length, maxLength: length })
    .map((bytes): TensorSource => ({ name, dtype, shape, read: () => bytes }));
});
const tensors = fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 8 });

describe('writeSafetensors', () => {
  it('writes what the reader reads, aligned, whatever the order', async () => {
    const path = join(temporaryFolder(), 'out.safetensors');
    const cases = fc.asyncProperty(tensors, fc.dictionary(name, fc.string()), async (sources, metadata) => {
      await writeSafetensors(path, sources, metadata);
      const bytes = readFileSync(path);
      const file = openSafetensors(path);
      expect(bytes.readBigUInt64LE(0) % 8n).toBe(0n);
      expect(Object.entries(file.metadata).sort()).toEqual(Object.entries(metadata).sort());
      expect(file.tensors.size).toBe(sources.length);
      for (const { name, dtype, shape, read } of sources) {
        expect(file.tensors.get(name)).toMatchObject({ name, dtype, shape });
        expect(readTensorBytes(file, name)).toEqual(new Uint8Array(read()));
      }
      await writeSafetensors(path, sources.toReversed(), metadata);
      expect(readFileSync(path).equals(bytes)).toBe(true);
    });
    await fc.assert(cases, { numRuns: 100 });
  });

  it('aligns each tensor to its own type', async () => {
    const path = join(temporaryFolder(), 'out.safetensors');
    const odd = { name: 'a', dtype: 'U8', shape: [3], read: () => new Uint8Array(3) } as const;
    await writeSafetensors(path, [odd, floatSource('b', [2], new Float32Array([1, 2]))]);
    expect(openSafetensors(path).tensors.get('b')!.offset % 4).toBe(0);
  });

  it('rounds to half precision on request', async () => {
    const path = join(temporaryFolder(), 'out.safetensors');
    await writeSafetensors(path, [floatSource('h', [3], new Float32Array([1.0001, 65504, 1e9]), 'F16')]);
    expect([...readFloat32(openSafetensors(path), 'h')]).toEqual([1, 65504, Number.POSITIVE_INFINITY]);
  });

  it('keeps the old file and leaves nothing behind when it fails midway', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'out.safetensors');
    writeFileSync(path, 'the old file');
    const wrong = { name: 'b', dtype: 'F32', shape: [3], read: () => new Uint8Array(8) } as const;
    await expect(writeSafetensors(path, [floatSource('a', [1], new Float32Array(1)), wrong])).rejects.toThrow(
      /"b" has 8 bytes where its shape needs 12/,
    );
    const failing = {
      ...wrong,
      read: () => {
        throw new Error('no such parameter');
      },
    };
    await expect(writeSafetensors(path, [failing])).rejects.toThrow('no such parameter');
    expect(readdirSync(folder)).toEqual(['out.safetensors']);
    expect(readFileSync(path, 'utf8')).toBe('the old file');
  });

  it('refuses a name twice, and a missing or read-only folder', async () => {
    const folder = temporaryFolder();
    const one = floatSource('a', [1], new Float32Array(1));
    await expect(writeSafetensors(join(folder, 'out'), [one, one])).rejects.toThrow(/"a" is taken/);
    await expect(writeSafetensors(join(folder, 'none', 'out'), [one])).rejects.toThrow(/there is no folder/);
    const notAFolder = join(folder, 'file');
    writeFileSync(notAFolder, '');
    await expect(writeSafetensors(join(notAFolder, 'out'), [one])).rejects.toThrow(
      /cannot be written to \(ENOTDIR\)/,
    );
  });

  it.skipIf(process.getuid?.() === 0 || process.platform === 'win32')(
    'names a read-only folder (skipped for root, who may write anywhere)',
    async () => {
      const folder = temporaryFolder();
      chmodSync(folder, 0o555);
      await expect(writeSafetensors(join(folder, 'out'), [])).rejects.toThrow(
        /cannot be written to \(EACCES\)/,
      );
    },
  );
});
