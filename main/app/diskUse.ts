/** What the studio takes on the disk, by kind, and what of it can go: copies of weights, the bin. */
import { readdirSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { StudioError } from '../../preload/errors.ts';
import { COPY_KINDS, type CopyKind, type DiskUse } from '../../preload/models.ts';
import { trimCache } from '../engine/weights/cacheFolder.ts';
import type { Services } from './services.ts';

export async function diskUse({ library, folder, db }: Services): Promise<DiskUse> {
  const { bavail, bsize } = await statfs(folder.root);
  const pictures = (deleted: 0 | 1) =>
    db.get<{ count: number; bytes: number }>(
      'SELECT count(*) AS count, coalesce(sum(d.bytes), 0) AS bytes FROM pictures p JOIN picture_details d ON d.picture_id = p.id WHERE p.deleted = ?',
      deleted,
    ) ?? { count: 0, bytes: 0 };
  const copies = filesIn(folder.cache);
  return {
    models: library.diskUse(),
    pictures: pictures(0),
    bin: pictures(1),
    copies: COPY_KINDS.map((kind) => ({
      kind,
      bytes: sum(copies.filter(({ path }) => copyKind(path) === kind)),
    })),
    code: sum(copies.filter(({ path }) => copyKind(path) === null)),
    training: sum(filesIn(folder.training)),
    free: bavail * bsize,
  };
}

/** Bytes freed. A job may be reading or making a copy, so none may be running. Without a kind: all copies. */
export function clearCache({ db, folder }: Services, kind?: CopyKind): { bytes: number } {
  if (db.value<number>("SELECT count(*) FROM jobs WHERE state = 'running'"))
    throw new StudioError(
      'conflict',
      'A job is running and may use the copies.',
      'Clear them when it is done.',
    );
  const before = filesIn(folder.cache);
  const keep = before.map(({ path }) => path).filter((path) => kind !== undefined && copyKind(path) !== kind);
  trimCache(folder.cache, keep, 0);
  return { bytes: sum(before) - sum(filesIn(folder.cache)) };
}

/** Told by the file's name: float32 copies, overlays and packed weights each have endings of their own. Null: no copy of weights. */
function copyKind(path: string): CopyKind | null {
  if (!/\.safetensors/.test(path)) return null;
  if (/\.f32\.safetensors/.test(path)) return 'float32';
  return /\.overlay\.safetensors/.test(path) ? 'merged' : 'packed';
}

interface FileSize {
  readonly path: string;
  readonly bytes: number;
}

const sum = (files: readonly FileSize[]): number => files.reduce((total, { bytes }) => total + bytes, 0);

function filesIn(folder: string): FileSize[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path, bytes: statSync(path, { throwIfNoEntry: false })?.size ?? 0 }));
}
