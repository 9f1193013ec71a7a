/** The hashes against their definitions, computed here from whole buffers. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashFile } from '../../native-models/inspect/hashes.ts';
import { GOLDEN_DIR } from '../helpers/golden.ts';
import { fileOf, safetensorsBytes } from '../helpers/weightFiles.ts';

const hex = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('hashFile', () => {
  it('agrees with the recorded sha256 of a checkpoint', async () => {
    const { autoV2, sha256, autoV3 } = await hashFile(join(GOLDEN_DIR, '_shared', 'sd1-tiny.safetensors'));
    expect(sha256).toBe('75fdb13ed103c4cbafdfc31e68c607bc29ec6edc61e898a8c3aff340d2ccd1b8');
    expect(autoV2).toBe('75fdb13ed1');
    expect(autoV3).toMatch(/^[0-9a-f]{12}$/);
  });

  it('follows the definitions for any data, across pieces', async () => {
    const sizes = fc.oneof(
      fc.constantFrom(0, 0xfffff, 0x100000, 0x108000, 0x110000, 5 * 2 ** 20),
      fc.nat(2 ** 21),
    );
    const cases = fc.asyncProperty(sizes, fc.nat(255), async (size, fill) => {
      const bytes = safetensorsBytes(
        '{"a":1}',
        new Uint8Array(size).map((_, i) => (i * 31 + fill) & 255),
      );
      const hashes = await hashFile(fileOf(bytes));
      expect(hashes.sha256).toBe(hex(bytes));
      expect(hashes.autoV1).toBe(hex(bytes.subarray(0x100000, 0x110000)).slice(0, 8));
      expect(hashes.autoV3).toBe(hex(bytes.subarray(8 + 7)).slice(0, 12));
    });
    await fc.assert(cases, { numRuns: 15 });
  });

  it('has no AutoV3 for files without a safetensors header', async () => {
    expect((await hashFile(fileOf(new TextEncoder().encode('PK not a safetensors file')))).autoV3).toBeNull();
    expect((await hashFile(fileOf(safetensorsBytes('{}', new Uint8Array(), 2n ** 60n)))).autoV3).toBeNull();
    expect(await hashFile(fileOf(new Uint8Array()))).toMatchObject({
      sha256: hex(new Uint8Array()),
      autoV3: null,
    });
  });

  it('tells how far it is', async () => {
    const seen: number[] = [];
    await hashFile(fileOf(new Uint8Array(9 * 2 ** 20)), {
      onProgress: (done, total) => seen.push(done / total),
    });
    expect(seen).toEqual([4 / 9, 8 / 9, 1]);
  });

  it('stops when asked to', async () => {
    const stop = new AbortController();
    const path = fileOf(new Uint8Array(9 * 2 ** 20));
    const hashing = hashFile(path, { signal: stop.signal, onProgress: () => stop.abort() });
    await expect(hashing).rejects.toThrow(/abort/i);
  });

  it('names a file that is not there', async () => {
    await expect(hashFile('/no/such/file.safetensors')).rejects.toThrow(
      /file\.safetensors: there is no such file/,
    );
    await expect(hashFile(GOLDEN_DIR)).rejects.toThrow(/not a file/);
  });
});
