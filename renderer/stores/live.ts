/** The runs of live mode: one at a time counts, and what an older one painted is not shown any more. */

/** Every run that live mode has started. */
const runs = new Set<number>();
let current: number | null = null;

export function startedLive(jobId: number): void {
  runs.add(jobId);
  current = jobId;
}

/** The canvas has changed since: whatever live mode is painting now comes too late. @returns the run that can be stopped. */
export function outdateLive(): number | null {
  const outdated = current;
  current = null;
  return outdated;
}

export const isLiveRun = (jobId: number): boolean => runs.has(jobId);

/** True for a run of live mode that another one, or a change of the canvas, has overtaken. */
export const isOutdated = (jobId: number): boolean => runs.has(jobId) && jobId !== current;
