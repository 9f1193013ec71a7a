/** Makes weight files for tests byte by byte, sound and unsound ones, in folders that vanish with the test. */
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { bytesOf, type TensorDtype, type WeightsFile } from '../../native-models/weights/tensors.ts';

/** A new empty folder, removed when the running test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'emulsion-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes `bytes` to a new file `name` and returns its path. */
export function fileOf(bytes: Uint8Array, name = 'model.safetensors'): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, bytes);
  return path;
}

/**
 * A file that takes new content thousands of times. It is kept open and never emptied first: some file systems flush
 * to the disk whenever an emptied file is closed.
 */
export function rewritableFile(name: string): {
  readonly path: string;
  readonly rewrite: (bytes: Uint8Array) => void;
} {
  const path = join(temporaryFolder(), name);
  const fd = openSync(path, 'w');
  onTestFinished(() => closeSync(fd));
  return {
    path,
    rewrite: (bytes) => {
      writeSync(fd, bytes, 0, bytes.length, 0);
      ftruncateSync(fd, bytes.length);
    },
  };
}

/** A safetensors file's bytes from header text and data, with no regard to whether they fit. */
export function safetensorsBytes(
  header: string,
  data = new Uint8Array(),
  claimedLength?: bigint,
): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, claimedLength ?? BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

/** A WeightsFile of names and shapes alone, as readers return it, for everything that looks no further than those. */
export function namesAndShapes(
  shapes: Readonly<Record<string, readonly number[]>>,
  metadata: Readonly<Record<string, string>> = {},
  dtype: TensorDtype = 'F16',
): WeightsFile {
  let offset = 8;
  const tensors = Object.entries(shapes).map(([name, shape]) => {
    const byteLength = bytesOf(dtype, shape);
    offset += byteLength;
    return [
      name,
      { name, path: 'names-only', dtype, shape, offset: offset - byteLength, byteLength },
    ] as const;
  });
  return { path: 'names-only', tensors: new Map(tensors), metadata };
}

/** Throws unless every tensor lies inside its file and has as many bytes as its shape and type need. */
export function expectSound(file: WeightsFile, fileSize: number): void {
  for (const { name, dtype, shape, offset, byteLength } of file.tensors.values()) {
    if (byteLength !== bytesOf(dtype, shape))
      throw new Error(`${name}: ${byteLength} bytes for ${dtype} [${shape}]`);
    if (offset < 0 || offset + byteLength > fileSize) throw new Error(`${name} lies outside the file`);
  }
}

/** The size of the largest byte array made while `run` runs. */
export function largestAllocation(run: () => void): number {
  const Original = globalThis.Uint8Array;
  let largest = 0;
  globalThis.Uint8Array = new Proxy(Original, {
    construct(target, args: [number]) {
      const made: Uint8Array = Reflect.construct(target, args);
      largest = Math.max(largest, made.byteLength);
      return made;
    },
  });
  try {
    run();
  } finally {
    globalThis.Uint8Array = Original;
  }
  return largest;
}
