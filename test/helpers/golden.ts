/** Reads cases of test/golden: reference numbers made by genuine implementations (see test/golden/README.md). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSafetensors, readFloat32, type WeightsFile } from '../../native-models/weights/safetensors.ts';

export const GOLDEN_DIR = join(import.meta.dirname, '..', 'golden');

/** `case.json` of a case folder, as untyped JSON: each test states the part it needs as `T`. */
export function goldenCase<T>(name: string): T {
  return JSON.parse(readFileSync(join(GOLDEN_DIR, name, 'case.json'), 'utf8')) as T;
}

/** Opens `file` of case folder `name`. */
export function goldenTensors(name: string, file: string): WeightsFile {
  return openSafetensors(join(GOLDEN_DIR, name, file));
}

export { readFloat32 };
