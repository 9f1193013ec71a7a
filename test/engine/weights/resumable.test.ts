/** A file made in many steps: whole or absent, continued after an abort, a kill or a torn write, the same for two writers. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { partialOf, type TensorGroup, writeResumable } from '../../../main/engine/weights/resumable.ts';
import { openSafetensors } from '../../../native-models/weights/safetensors.ts';
import { readTensorBytes } from '../../../native-models/weights/tensors.ts';
import { tempFolder } from '../../helpers/tempFolder.ts';

const COUNT = 40;
const SIZE = 1000;
const NEVER = new AbortController().signal;

/** Group i is one tensor full of i; `made` hears of each that is computed. */
function groups(made: (index: number) => void = () => undefined): TensorGroup[] {
  return Array.from({ length: COUNT }, (_, index) => ({
    tensors: [{ name: `tensor.${index}`, dtype: 'I8', shape: [SIZE] }],
    make: () => {
      made(index);
      return [new Uint8Array(SIZE).fill(index)];
    },
  }));
}

function expectComplete(path: string): void {
  const file = openSafetensors(path);
  expect(file.tensors.size).toBe(COUNT);
  for (let index = 0; index < COUNT; index++)
    expect(new Set(readTensorBytes(file, `tensor.${index}`))).toEqual(new Set([index]));
  expect(existsSync(partialOf(path))).toBe(false);
}

const options = { metadata: { kind: 'test' }, signal: NEVER, syncBytes: 2 * SIZE };

/** Stops before group `at`. */
async function abortAt(path: string, at: number): Promise<void> {
  const controller = new AbortController();
  const onProgress = (done: number): void => {
    if (done === at) controller.abort();
  };
  // The signal is looked at before each group, the progress told after: group `at` is still written.
  const writing = writeResumable(path, groups(), { ...options, signal: controller.signal, onProgress });
  await expect(writing).rejects.toThrow('abort');
}

test('an aborted file is not there; what was synced of it is not made again', async () => {
  const path = join(tempFolder(), 'x.safetensors');
  await abortAt(path, 20);
  expect(existsSync(path)).toBe(false);
  const made: number[] = [];
  const progress: number[] = [];
  await writeResumable(
    path,
    groups((index) => made.push(index)),
    { ...options, onProgress: (done) => progress.push(done) },
  );
  expect(made[0]).toBe(19); // 21 were written, the last two are not trusted
  expect(made).toHaveLength(COUNT - 19);
  expect(progress).toEqual(Array.from({ length: COUNT + 1 }, (_, i) => i));
  expectComplete(path);
});

test('a torn write at the end is written again', async () => {
  const path = join(tempFolder(), 'x.safetensors');
  await abortAt(path, 20);
  truncateSync(partialOf(path), statSync(partialOf(path)).size - SIZE / 2);
  await writeResumable(path, groups(), options);
  expectComplete(path);
});

test('a part of something else is replaced', async () => {
  const path = join(tempFolder(), 'x.safetensors');
  writeFileSync(partialOf(path), Buffer.alloc(5 * SIZE, 7));
  await writeResumable(path, groups(), options);
  expectComplete(path);
});

test('two writers at once make one right file', async () => {
  const path = join(tempFolder(), 'x.safetensors');
  await Promise.all([writeResumable(path, groups(), options), writeResumable(path, groups(), options)]);
  expectComplete(path);
});

test('bytes that do not fit their shape are refused, and nothing stands under the name', async () => {
  const path = join(tempFolder(), 'x.safetensors');
  const wrong: TensorGroup = { tensors: groups()[0]!.tensors, make: () => [new Uint8Array(3)] };
  await expect(writeResumable(path, [wrong], options)).rejects.toThrow('3 bytes where its shapes need 1000');
  expect(existsSync(path)).toBe(false);
});

test('killed in the middle (a real process), it is continued to the same bytes', async () => {
  const folder = tempFolder();
  const [killed, whole] = [join(folder, 'killed.safetensors'), join(folder, 'whole.safetensors')];
  await killWhileWriting(killed);
  expect(existsSync(killed)).toBe(false);
  const before = statSync(partialOf(killed)).size;
  expect(before).toBeGreaterThan(3 * SIZE);
  await writeResumable(killed, groups(), options);
  await writeResumable(whole, groups(), options);
  expect(readFileSync(killed).equals(readFileSync(whole))).toBe(true);
});

/** A process that takes its time over each group, killed when some have been written. */
async function killWhileWriting(path: string): Promise<void> {
  const module = join(import.meta.dirname, '../../../main/engine/weights/resumable.ts');
  const code = `
    const { writeResumable } = await import(${JSON.stringify(module)});
    const wait = new Int32Array(new SharedArrayBuffer(4));
    const groups = Array.from({ length: ${COUNT} }, (_, index) => ({
      tensors: [{ name: 'tensor.' + index, dtype: 'I8', shape: [${SIZE}] }],
      make: () => { Atomics.wait(wait, 0, 0, 50); return [new Uint8Array(${SIZE}).fill(index)]; },
    }));
    await writeResumable(${JSON.stringify(path)}, groups, { metadata: { kind: 'test' }, signal: new AbortController().signal, syncBytes: ${2 * SIZE} });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const size = (): number => statSync(partialOf(path), { throwIfNoEntry: false })?.size ?? 0;
  while (child.exitCode === null && size() < 10 * SIZE) await new Promise((next) => setTimeout(next, 5));
  child.kill('SIGKILL');
  await ended;
}
