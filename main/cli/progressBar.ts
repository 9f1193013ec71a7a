/** Engine progress on a terminal: one bar per stage; nothing where the output is no terminal. */
import { SingleBar } from 'cli-progress';
import type { EngineProgress } from '../engine/border/protocol.ts';

export interface ProgressBar {
  show(progress: EngineProgress): void;
  stop(): void;
}

export function progressBar(): ProgressBar {
  const { stderr } = process;
  if (!stderr.isTTY) return { show: () => undefined, stop: () => undefined };
  const bar = new SingleBar({
    format: '{stage} {bar} {value}/{total} {speed}{left}',
    stream: stderr,
    hideCursor: true,
    clearOnComplete: true,
  });
  let running: string | undefined;
  return {
    show: ({ stage, step, steps, secondsPerStep, secondsLeft }) => {
      const payload = {
        stage: stage.padEnd(12),
        speed: secondsPerStep === undefined ? '' : `${secondsPerStep.toFixed(2)} s/step `,
        left: secondsLeft === undefined ? '' : `${Math.ceil(secondsLeft)} s left`,
      };
      if (stage === running) bar.update(step, payload);
      else {
        if (running) bar.stop();
        bar.start(steps, step, payload);
      }
      running = stage;
    },
    stop: () => bar.stop(),
  };
}
