/** Progress of a job, with the time that is left of a stage by the seconds its steps took so far. */
import type { EngineProgress, RawImage, Stage } from '../border/protocol.ts';

/** What a step shows of itself. */
interface StepDetails {
  readonly preview?: RawImage;
  readonly loss?: number;
}

/** The stages of a job as they come; see EngineProgress. */
export interface ProgressReporter {
  /** A stage begins; `steps` units of it are to come. */
  begin(stage: Stage, steps?: number): void;
  /** Another stage in between; the function that is given back returns to the one before, where it stood. */
  aside(stage: Stage): () => void;
  /** One more unit is done. */
  advance(details?: StepDetails): void;
  /** Seconds spent in each stage so far. */
  timings(): Record<string, number>;
}

/** Weight of the newest step in the running mean of seconds per step. */
const NEWEST = 0.3;

/** Tells `report` whenever a stage begins and a unit of it is done. A job begins in the stage "load". */
export function progressReporter(report: (progress: EngineProgress) => void): ProgressReporter {
  const seconds: Record<string, number> = {};
  let stage: Stage = 'load';
  let [step, steps] = [0, 0];
  let stageStart = performance.now();
  let stepStart = stageStart;
  let secondsPerStep: number | undefined;

  const closeStage = (): void => {
    seconds[stage] = (seconds[stage] ?? 0) + (performance.now() - stageStart) / 1000;
  };
  const send = (details: StepDetails = {}): void => {
    const times = secondsPerStep !== undefined && {
      secondsPerStep,
      secondsLeft: (steps - step) * secondsPerStep,
    };
    report({ stage, step, steps, ...times, ...details });
  };
  const begin: ProgressReporter['begin'] = (next, count = 1) => {
    closeStage();
    [stage, step, steps, secondsPerStep] = [next, 0, count, undefined];
    stageStart = stepStart = performance.now();
    send();
  };
  return {
    begin,
    aside: (between) => {
      const before = [stage, step, steps] as const;
      begin(between, 1);
      return () => {
        const [held, done, count] = before;
        begin(held, count);
        step = done;
      };
    },
    advance: (details) => {
      const now = performance.now();
      const latest = (now - stepStart) / 1000;
      secondsPerStep =
        secondsPerStep === undefined ? latest : secondsPerStep + NEWEST * (latest - secondsPerStep);
      stepStart = now;
      step++;
      send(details);
    },
    timings: () => {
      closeStage();
      stageStart = performance.now();
      return { ...seconds };
    },
  };
}
