/** Which loaded checkpoints stay loaded: the last one; of those whose weights are mapped files, the last few. */

/** What can stay loaded. */
export interface Shelved {
  /** Equal for jobs that can run on it. */
  readonly key: string;
  /** Its weights are pages of a file, which the system takes back where it needs them. */
  readonly isEvictable: boolean;
  release(): Promise<void>;
}

/** Loaded checkpoints, the newest last. */
export interface Shelf<T extends Shelved> {
  /** The one with this key, which is now the newest. */
  take(key: string): T | undefined;
  /** Frees what may not stay beside one to come, which is evictable or not. */
  makeRoom(isEvictable: boolean): Promise<void>;
  put(loaded: T): void;
  /** Frees one that is of no use any more. */
  drop(loaded: T): Promise<void>;
  releaseAll(): Promise<void>;
}

/** `limit`: how many may stay. */
export function createShelf<T extends Shelved>(limit = 3): Shelf<T> {
  let shelved: T[] = [];
  const keepOnly = async (keeps: (loaded: T, age: number) => boolean): Promise<void> => {
    const newestFirst = shelved.toReversed();
    const kept = new Set(newestFirst.filter(keeps));
    for (const loaded of shelved) if (!kept.has(loaded)) await loaded.release();
    shelved = shelved.filter((loaded) => kept.has(loaded));
  };
  return {
    take: (key) => {
      const found = shelved.find((loaded) => loaded.key === key);
      if (found) shelved = [...shelved.filter((loaded) => loaded !== found), found];
      return found;
    },
    makeRoom: (isEvictable) =>
      keepOnly((loaded, age) => isEvictable && loaded.isEvictable && age < limit - 1),
    put: (loaded) => shelved.push(loaded),
    drop: (useless) => keepOnly((loaded) => loaded !== useless),
    releaseAll: () => keepOnly(() => false),
  };
}
