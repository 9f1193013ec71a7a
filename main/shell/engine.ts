/** The engine as Electron's utility process: the same messages, another way to fork. */
import { utilityProcess } from 'electron';
import type { EngineHandle } from '../engine/border/client.ts';
import { ENGINE_ENVIRONMENT, stepBehindWindow } from '../engine/border/launch.ts';

/** Characters of the engine's error output kept for a report. */
const STDERR_TAIL = 4000;

export function launchUtility(entry: string): EngineHandle {
  const child = utilityProcess.fork(entry, [], {
    serviceName: 'Emulsion engine',
    stdio: ['ignore', 'inherit', 'pipe'],
    env: { ...process.env, ...ENGINE_ENVIRONMENT },
  });
  child.once('spawn', () => stepBehindWindow(child.pid));
  let stderrTail = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderrTail = (stderrTail + chunk.toString('utf8')).slice(-STDERR_TAIL);
  });
  return {
    // Known once the process has been spawned.
    get pid() {
      return child.pid;
    },
    post: (message) => child.postMessage(message),
    onMessage: (listener) => void child.on('message', listener),
    onExit: (listener) => void child.once('exit', (code) => listener(`exit code ${code}`, stderrTail)),
    // `kill()` asks; a step in native code does not listen, so the process is ended by its id.
    kill: () => {
      if (child.pid === undefined || !endProcess(child.pid)) child.kill();
    },
  };
}

function endProcess(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}
