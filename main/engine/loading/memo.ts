/** Results kept between jobs by what they were made from: text encodings, encoded pictures, hints. */
import { createHash } from 'node:crypto';

/** Keeps results of up to `limit` bytes together; those unused for longest go first. */
export interface Memo {
  /** The result known under `key`, or what `make` gives. Results are shared: nobody may write to them. */
  of<T>(key: string, make: () => Promise<T>): Promise<T>;
  clear(): void;
}

interface Kept {
  readonly result: unknown;
  readonly bytes: number;
}

/** An empty memo; beyond `limit` bytes what was used longest ago is forgotten. */
export function createMemo(limit = 256 * 2 ** 20): Memo {
  const kept = new Map<string, Kept>();
  let total = 0;
  const drop = (key: string): void => {
    total -= kept.get(key)?.bytes ?? 0;
    kept.delete(key);
  };
  const keep = (key: string, entry: Kept): void => {
    drop(key);
    kept.set(key, entry);
    total += entry.bytes;
    for (const oldest of kept.keys()) {
      if (total <= limit) return;
      drop(oldest);
    }
  };
  const of = async <T>(key: string, make: () => Promise<T>): Promise<T> => {
    const known = kept.get(key);
    const result = known ? (known.result as T) : await make();
    keep(key, known ?? { result, bytes: bytesOf(result) });
    return result;
  };
  const clear = (): void => {
    kept.clear();
    total = 0;
  };
  return { of, clear };
}

/** A key for any mixture of words, numbers and arrays of numbers: equal content, equal key. */
export function contentKey(...parts: readonly (string | number | NodeJS.TypedArray)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    if (typeof part === 'object') hash.update(`[${part.byteLength}]`).update(part);
    else hash.update(`${typeof part}:${part}|`);
  }
  return hash.digest('hex');
}

/** Bytes of all arrays of numbers within a result. */
function bytesOf(value: unknown): number {
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce((sum: number, part) => sum + bytesOf(part), 0);
}
