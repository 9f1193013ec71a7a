/** The parent's side of child.ts: one process for all cases, a new one after a crash. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';

interface Answer {
  readonly error?: number;
  readonly failed?: string;
}

export interface WebGpuWorker {
  /** The relative error of a case; rejects when the case throws or its process dies. */
  measure(name: string): Promise<number>;
  stop(): void;
}

export function webGpuWorker(env: Readonly<Record<string, string>>): WebGpuWorker {
  let child: ChildProcess | undefined;
  const started = (): ChildProcess => {
    child ??= fork(join(import.meta.dirname, 'child.ts'), [], { env: { ...process.env, ...env } });
    return child;
  };
  const measure = (name: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const running = started();
      const died = (code: number | null, signal: string | null): void => {
        child = undefined;
        reject(new Error(`${name}: the process died (${signal ?? `exit code ${code}`})`));
      };
      running.once('exit', died);
      running.once('message', ({ error, failed }: Answer) => {
        running.off('exit', died);
        if (error === undefined) reject(new Error(`${name}: ${failed}`));
        else resolve(error);
      });
      running.send(name);
    });
  return { measure, stop: () => child?.kill('SIGKILL') };
}
