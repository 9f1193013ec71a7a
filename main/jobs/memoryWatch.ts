/** The memory of this machine, and what the engine process holds of it for itself alone: the system is asked, because the engine cannot answer while a step runs. */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { constrainedMemory } from 'node:process';

const EVERY_MS = 100;

/**
 * Bytes that no file backs and that could not be taken back without it; undefined for no process and where the system does
 * not tell (only Linux does so cheaply).
 */
export function privateBytes(pid: number | undefined): number | undefined {
  if (pid === undefined || process.platform !== 'linux') return undefined;
  try {
    const [, kilobytes] = /^RssAnon:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined; // It has just ended.
  }
}

/** Bytes of this machine, or of the container that we may not leave. */
export function totalMemory(): number {
  return Math.min(totalmem(), constrainedMemory() || Number.POSITIVE_INFINITY);
}

/** Looks at a process until stopped; `pid` is asked each time, because a job starts it. @returns what gives the peak. */
export function watchPeak(pid: () => number | undefined): () => number | undefined {
  let peak: number | undefined;
  const look = (): void => {
    const bytes = privateBytes(pid());
    if (bytes !== undefined) peak = Math.max(peak ?? 0, bytes);
  };
  const timer = setInterval(look, EVERY_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    look();
    return peak;
  };
}
