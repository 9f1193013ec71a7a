/** What nodes gave in the last run, found again by what they were given: class, values, files, and the nodes before them. */
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import type { Wire } from './parts/sockets.ts';

export interface WorkflowCache {
  get(key: string): readonly Wire[] | undefined;
  set(key: string, outputs: readonly Wire[]): void;
  /** Forgets what the run of `keys` did not use. */
  keepOnly(keys: ReadonlySet<string>): void;
}

/** Holds everything it is given until `keepOnly`. */
export function createWorkflowCache(): WorkflowCache {
  const outputs = new Map<string, readonly Wire[]>();
  return {
    get: (key) => outputs.get(key),
    set: (key, values) => void outputs.set(key, values),
    keepOnly: (keys) => {
      for (const key of outputs.keys()) if (!keys.has(key)) outputs.delete(key);
    },
  };
}

/** A key of plain data; equal data gives equal keys, whatever the order of its fields. */
export function keyOf(data: unknown): string {
  return createHash('sha256').update(sortedJson(data)).digest('hex');
}

/** A file's contents, as far as they can be told without reading it. */
export function fileStamp(path: string): string {
  const { size, mtimeMs, ino } = statSync(path);
  return `${path}|${size}|${mtimeMs}|${ino}`;
}

function sortedJson(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${sortedJson(item)}`).join(',')}}`;
}
