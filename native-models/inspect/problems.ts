/** What can be wrong inside a file that opens: tensors missing or mis-shaped, numbers that are none. */
import { setImmediate } from 'node:timers/promises';
import { countNonFinite } from '../weights/dtypes.ts';
import type { CanonicalTensors } from '../weights/keys.ts';
import { isShapedAs } from '../weights/shapes.ts';
import { isFloat, type TensorInfo, tensorChunks, type WeightsFile } from '../weights/tensors.ts';

export interface Problem {
  readonly code: 'config' | 'missing-tensors' | 'misshapen-tensors' | 'skipped-tensors' | 'not-finite';
  /** One sentence that names a tensor. */
  readonly message: string;
}

/** Canonical names and the shapes that a graph needs. */
export type ShapeList = ReadonlyMap<string, readonly number[]>;

const PIECE_BYTES = 16 * 2 ** 20;

/** Compares a part with what its graph will ask for; `what` names the part in messages. */
export function shapeProblems(tensors: CanonicalTensors, what: string, expected: ShapeList): Problem[] {
  const missing = [...expected.keys()].filter((name) => !tensors.has(name));
  const misshapen = [...expected].filter(
    ([name, shape]) => tensors.has(name) && !isShapedAs(tensors.get(name)!.shape, shape),
  );
  const problems: Problem[] = [];
  if (missing.length > 0) {
    problems.push({
      code: 'missing-tensors',
      message: `${counted(missing.length)} missing from ${what}: "${missing[0]}".`,
    });
  }
  const [wrong] = misshapen;
  if (wrong) {
    const shapes = `[${tensors.get(wrong[0])!.shape}] where [${wrong[1]}] is needed`;
    problems.push({
      code: 'misshapen-tensors',
      message: `${counted(misshapen.length)} mis-shaped in ${what}: "${wrong[0]}" is ${shapes}.`,
    });
  }
  return problems;
}

/** "1 tensor is", "3 tensors are". */
export function counted(tensors: number): string {
  return tensors === 1 ? '1 tensor is' : `${tensors} tensors are`;
}

interface ScanOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

/** Reads every float tensor once, in pieces, leaving the event loop free between them. Throws the signal's reason. */
export async function findNonFinite(
  file: WeightsFile,
  { signal, onProgress }: ScanOptions,
): Promise<Problem[]> {
  const infos = [...file.tensors.values()].filter(({ dtype }) => isFloat(dtype));
  const total = infos.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const bad: { readonly name: string; readonly count: number }[] = [];
  let done = 0;
  for (const info of infos) {
    let count = 0;
    for (const piece of tensorChunks(info, PIECE_BYTES)) {
      count += countIn(piece, info);
      done += piece.length;
      onProgress?.(done, total);
      await setImmediate();
      signal?.throwIfAborted();
    }
    if (count > 0) bad.push({ name: info.name, count });
  }
  const [first] = bad;
  if (!first) return [];
  return [
    {
      code: 'not-finite',
      message: `${counted(bad.length)} not all finite: "${first.name}" holds ${first.count} NaN or infinite values.`,
    },
  ];
}

function countIn(piece: Uint8Array<ArrayBuffer>, { dtype }: TensorInfo): number {
  return isFloat(dtype) ? countNonFinite(piece, dtype) : 0;
}
