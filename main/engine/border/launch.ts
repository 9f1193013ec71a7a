/** Starting the engine outside Electron: a child process that speaks structured clone. */
import { fork } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import type { EngineHandle } from './client.ts';

/** Variables that the engine process is started with, whatever starts it. */
export const ENGINE_ENVIRONMENT = {
  /** See runtime/noTelemetry.ts; here because a worker of the engine cannot set it for its process. */
  ORT_DISABLE_TELEMETRY: '1',
} as const;

const STDERR_TAIL = 4000;

/** Forks the engine; `entry` defaults to ../process.ts. */
export function launchEngine(entry = join(import.meta.dirname, '../process.ts')): EngineHandle {
  const child = fork(entry, [], {
    serialization: 'advanced',
    env: { ...process.env, ...ENGINE_ENVIRONMENT },
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  let stderrTail = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderrTail = (stderrTail + chunk.toString('utf8')).slice(-STDERR_TAIL);
  });
  return {
    pid: child.pid,
    // A message to a process that has just died is lost; its exit settles the job.
    post: (message) => void child.send(message, () => undefined),
    onMessage: (listener) => void child.on('message', listener as (message: unknown) => void),
    onExit: (listener) => {
      let told = false;
      const tell = (reason: string): void => {
        if (!told) listener(reason, stderrTail);
        told = true;
      };
      child.once('error', (error) => tell(error.message));
      child.once('close', (code, signal) => tell(signal ? `signal ${signal}` : `exit code ${code}`));
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

/** As `launchEngine`, below the window and the studio wherever they want the processor too; alone it has all of it. */
export function launchBehindWindow(): EngineHandle {
  const handle = launchEngine();
  stepBehindWindow(handle.pid);
  return handle;
}

/** Wants to be called before the process has threads: on Linux a thread takes the priority of the one that starts it. */
export function stepBehindWindow(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // It may have ended already, and a system may refuse: it then computes as any other program.
  }
}
