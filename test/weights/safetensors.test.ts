/** The safetensors reader: right on sound files; on anything else a WeightsError and nothing worse. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  openSafetensors,
  readFloat32,
  readTensorBytes,
  WeightsError,
} from '../../native-models/weights/safetensors.ts';
import { DTYPE_BYTES } from '../../native-models/weights/tensors.ts';
import { goldenTensors } from '../helpers/golden.ts';
import {
  expectSound,
  fileOf,
  largestAllocation,
  rewritableFile,
  safetensorsBytes,
  temporaryFolder,
} from '../helpers/weightFiles.ts';

const ONE = '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}';
const EIGHT = new Uint8Array(8);

function opening(bytes: Uint8Array): () => unknown {
  const path = fileOf(bytes);
  return () => openSafetensors(path);
}

describe('sound files', () => {
  it('reads tensors where they lie', () => {
    const data = new Uint8Array(new Float32Array([1.5, -2]).buffer);
    const file = openSafetensors(fileOf(safetensorsBytes(ONE, data)));
    expect([...readFloat32(file, 'a')]).toEqual([1.5, -2]);
    expect(readTensorBytes(file, 'a')).toEqual(data);
  });

  it('reads a complete checkpoint', () => {
    const file = goldenTensors('_shared', 'sd1-tiny.safetensors');
    expect(file.tensors.size).toBeGreaterThan(800);
    expect(file.metadata).toEqual({ format: 'pt' });
    expect(file.tensors.get('model.diffusion_model.out.2.weight')?.shape).toEqual([4, 32, 3, 3]);
  });

  it('accepts empty tensors, no tensors, and a header whose length begins like "<"', () => {
    expect(openSafetensors(fileOf(safetensorsBytes('{}'))).tensors.size).toBe(0);
    const empty = '{"e":{"dtype":"I8","shape":[0,4],"data_offsets":[0,0]}}';
    expect(openSafetensors(fileOf(safetensorsBytes(empty))).tensors.get('e')?.byteLength).toBe(0);
    expect(openSafetensors(fileOf(safetensorsBytes(ONE.padEnd(0x3c), EIGHT))).tensors.size).toBe(1);
  });

  it('treats names of object prototypes as plain names', () => {
    const header = `{"__proto__":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"__metadata__":{"__proto__":"x","constructor":"y"}}`;
    const file = openSafetensors(fileOf(safetensorsBytes(header, EIGHT)));
    expect([...file.tensors.keys()]).toEqual(['__proto__']);
    expect(Object.entries(file.metadata)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });
});

describe('unsound files', () => {
  const entry = (part: string): string => `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],${part}}}`;
  const overlap = `{"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}`;
  const twice = `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}, "\\u0061" : {"dtype":"I32","shape":[2],"data_offsets":[0,8]}}`;
  it.each([
    ['empty', new Uint8Array(), /only 0 bytes/],
    ['cut off in the data', safetensorsBytes(ONE, new Uint8Array(7)), /cut off: 69 of 70 bytes/],
    [
      'cut off in the header',
      safetensorsBytes(ONE, EIGHT).slice(0, 40),
      /header claims 54 bytes in a file of 40/,
    ],
    ['padded', safetensorsBytes(ONE, new Uint8Array(16)), /8 bytes too many/],
    ['a web page', new TextEncoder().encode('<!DOCTYPE html><html></html>'), /web page/],
    [
      'a Git LFS pointer',
      new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\n'),
      /Git LFS pointer/,
    ],
    ['an error message', new TextEncoder().encode('{"error":"not found"}'), /JSON text/],
    ['an absurd header length', safetensorsBytes(ONE, EIGHT, 2n ** 63n), /header claims 9223372036854775808/],
    ['a header that is not JSON', safetensorsBytes('{"a":', EIGHT), /not JSON/],
    ['a header that is a list', safetensorsBytes('[]', EIGHT), /not JSON/],
    ['a header that is not UTF-8', safetensorsBytes('{}', EIGHT).fill(0xff, 8, 10), /not JSON/],
    ['an unknown type', safetensorsBytes(entry('"dtype":"Q4"'), EIGHT), /unknown type "Q4"/],
    [
      'a type named like an object method',
      safetensorsBytes(entry('"dtype":"toString"'), EIGHT),
      /unknown type/,
    ],
    ['the wrong type', safetensorsBytes(entry('"dtype":"F16"'), EIGHT), /8 bytes where its shape needs 4/],
    ['a fractional shape', safetensorsBytes(entry('"shape":[0.5,4]'), EIGHT), /malformed shape/],
    ['a negative shape', safetensorsBytes(entry('"shape":[-1,-2]'), EIGHT), /malformed shape/],
    [
      'a huge shape',
      safetensorsBytes(entry('"shape":[9007199254740991,9007199254740991]'), EIGHT),
      /where its shape needs/,
    ],
    ['reversed offsets', safetensorsBytes(entry('"data_offsets":[8,0]'), EIGHT), /malformed offsets/],
    [
      'offsets outside the file',
      safetensorsBytes(entry('"data_offsets":[8,16]'), EIGHT),
      /overlaps another or leaves a gap/,
    ],
    ['overlapping tensors', safetensorsBytes(overlap, EIGHT), /"b" overlaps/],
    ['a tensor that is null', safetensorsBytes('{"a":null}'), /unknown type/],
    ['one name twice', safetensorsBytes(twice, EIGHT), /"a" is listed twice/],
  ])('%s', (_what, bytes, message) => {
    expect(opening(bytes)).toThrow(WeightsError);
    expect(opening(bytes)).toThrow(message);
  });

  it('names the file in one line, however long the names inside it', () => {
    const path = fileOf(safetensorsBytes(`{"${'n'.repeat(5000)}":0}`), 'mine.safetensors');
    expect(() => openSafetensors(path)).toThrow(/^mine\.safetensors: [^\n]{1,400}$/);
  });

  it('refuses folders and missing files', () => {
    expect(() => openSafetensors(temporaryFolder())).toThrow(/this is not a file/);
    expect(() => openSafetensors(join(temporaryFolder(), 'none.safetensors'))).toThrow(
      /there is no such file/,
    );
  });

  it('notices when the file shrank after it was opened', () => {
    const path = fileOf(safetensorsBytes(ONE, EIGHT));
    const file = openSafetensors(path);
    writeFileSync(path, safetensorsBytes(ONE));
    expect(() => readTensorBytes(file, 'a')).toThrow(/ends too early/);
    expect(() => readTensorBytes(file, 'b')).toThrow(/"b" is missing/);
  });
});

/** Opens the bytes; the only outcomes allowed are a sound file and a WeightsError, in no more memory than the file has. */
function expectErrorOrSoundFile(
  { path, rewrite }: ReturnType<typeof rewritableFile>,
  bytes: Uint8Array,
): void {
  rewrite(bytes);
  const largest = largestAllocation(() => {
    try {
      expectSound(openSafetensors(path), bytes.length);
    } catch (error) {
      if (!(error instanceof WeightsError)) throw error;
    }
  });
  expect(largest).toBeLessThanOrEqual(bytes.length);
}

describe('properties', () => {
  const offset = fc.oneof(fc.nat(24), fc.constantFrom(-1, 0.5, 2 ** 53, Number.MAX_VALUE));
  const tensorEntry = fc.record(
    {
      dtype: fc.oneof(fc.constantFrom(...Object.keys(DTYPE_BYTES)), fc.string()),
      shape: fc.oneof(fc.array(offset, { maxLength: 3 }), fc.jsonValue()),
      data_offsets: fc.oneof(fc.tuple(offset, offset), fc.array(offset), fc.jsonValue()),
    },
    { requiredKeys: [] },
  );
  const header = fc.dictionary(
    fc.oneof(fc.string(), fc.constantFrom('__proto__', '__metadata__')),
    fc.oneof(tensorEntry, fc.jsonValue()),
  );

  it('any bytes', () => {
    const file = rewritableFile('any.safetensors');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => expectErrorOrSoundFile(file, bytes)),
      { numRuns: 1000 },
    );
  });

  it('any header over any data', () => {
    const file = rewritableFile('any.safetensors');
    const cases = fc.property(header, fc.uint8Array({ maxLength: 48 }), (json, data) => {
      expectErrorOrSoundFile(file, safetensorsBytes(JSON.stringify(json), data));
    });
    fc.assert(cases, { numRuns: 2000 });
  });

  it('any damage to a sound file', () => {
    const file = rewritableFile('damaged.safetensors');
    const sound = safetensorsBytes(
      `{"__metadata__":{"k":"v"},${ONE.slice(1, -1)},"b":{"dtype":"F16","shape":[2,2],"data_offsets":[8,16]}}`,
      new Uint8Array(16),
    );
    const position = fc.nat(sound.length - 1);
    const cases = fc.property(
      fc.array(fc.tuple(position, fc.nat(255)), { maxLength: 4 }),
      fc.nat(sound.length),
      (edits, length) => {
        const bytes = sound.slice();
        for (const [at, value] of edits) bytes[at] = value;
        expectErrorOrSoundFile(file, bytes);
        expectErrorOrSoundFile(file, bytes.slice(0, length));
      },
    );
    fc.assert(cases, { numRuns: 2000 });
  });
});
