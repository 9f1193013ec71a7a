/** The previews of recent jobs, step by step: the way from noise to picture, kept in memory only. */
import type { JobProgress } from '../../preload/jobs.ts';

export interface TimelineStep {
  readonly step: number;
  readonly steps: number;
  readonly preview: NonNullable<JobProgress['preview']>;
}

export interface Timeline {
  add(jobId: number, step: TimelineStep): void;
  of(jobId: number): readonly TimelineStep[];
}

const JOBS_KEPT = 20;
/** A thousand-step job keeps every second preview, then every fourth, … */
const STEPS_KEPT = 250;

/** Empty; the jobs that began first are forgotten first. */
export function createTimeline(): Timeline {
  const jobs = new Map<number, TimelineStep[]>();
  return {
    add: (jobId, step) => {
      const steps = jobs.get(jobId) ?? [];
      // Running again: the old way is gone.
      if ((steps.at(-1)?.step ?? 0) >= step.step) steps.length = 0;
      steps.push(step);
      if (steps.length > STEPS_KEPT)
        jobs.set(
          jobId,
          steps.filter((_, index) => index % 2 === 0),
        );
      else jobs.set(jobId, steps);
      for (const oldest of jobs.keys()) {
        if (jobs.size <= JOBS_KEPT) break;
        jobs.delete(oldest);
      }
    },
    of: (jobId) => jobs.get(jobId) ?? [],
  };
}
