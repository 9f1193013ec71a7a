/** Computes missing hashes in the background, one file at a time, smallest first; they find duplicates and resolve requests. */
import { existsSync, statSync } from 'node:fs';
import { hashFile } from '../../native-models/inspect/hashes.ts';
import type { WritableDb } from '../storage/database.ts';

export interface Hasher {
  /** Hashes everything that has no hash yet; resolves when nothing is left or `stop` was called. */
  run(): Promise<void>;
  /** Resolves when the file in hand has been let go. */
  stop(): Promise<void>;
}

interface Unhashed {
  id: number;
  path: string;
  bytes: number;
  modified: number;
}

/**
 * @param onHashed told the id of each model whose hashes became known.
 * @param onFailed told why a file that is still there cannot be read.
 */
export function createHasher(
  db: WritableDb,
  onHashed: (id: number) => void,
  onFailed: (error: unknown) => void,
): Hasher {
  let controller = new AbortController();
  let running: Promise<void> | null = null;

  const work = async (): Promise<void> => {
    const failed = new Set<number>();
    for (;;) {
      const next = unhashed(db).find(({ id }) => !failed.has(id));
      if (next === undefined || controller.signal.aborted) return;
      const { signal } = controller;
      const hashed = await hashModel(db, next, signal).catch((error: unknown) => {
        if (!signal.aborted && existsSync(next.path)) onFailed(error);
        return false;
      });
      if (hashed) onHashed(next.id);
      else failed.add(next.id);
    }
  };

  return {
    run: () => {
      if (controller.signal.aborted) controller = new AbortController();
      running ??= work().finally(() => {
        running = null;
      });
      return running;
    },
    stop: async () => {
      controller.abort();
      await running;
    },
  };
}

function unhashed(db: WritableDb): Unhashed[] {
  return db.all<Unhashed>(
    "SELECT id, path, bytes, modified FROM models WHERE sha256 IS NULL AND state IN ('ready', 'unsupported') ORDER BY bytes LIMIT 100",
  );
}

/** False when the file changed meanwhile: the next scan will see to it. */
async function hashModel(
  db: WritableDb,
  { id, path, bytes, modified }: Unhashed,
  signal: AbortSignal,
): Promise<boolean> {
  const { sha256, autoV3 } = await hashFile(path, { signal });
  const now = statSync(path);
  if (now.size !== bytes || now.mtimeMs !== modified) return false;
  db.run('UPDATE models SET sha256 = ?, auto_v3 = ? WHERE id = ?', sha256, autoV3, id);
  return true;
}
