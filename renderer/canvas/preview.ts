/** Which step of a run the canvas shows: the running one, or one that was scrubbed to. */
import type { StudioDocument } from '../document/document.ts';
import { runningJob, type useQueue } from '../stores/queue.ts';
import type { Preview } from './resultView.ts';

type QueueState = ReturnType<typeof useQueue.getState>;

/** The preview to draw now, in its job's frame; null when the finished result is to be seen. */
export function runningPreview(
  queue: QueueState,
  document: StudioDocument,
  scrubbed: number | null,
): Preview | null {
  const { steps, jobs } = queue;
  if (steps === null) return null;
  const frame = jobs.find(({ id }) => id === steps.jobId)?.target?.frame ?? document.frame;
  const picked = scrubbed === null ? undefined : steps.list[scrubbed];
  if (picked !== undefined) return { url: picked.dataUrl, frame };
  const last = steps.list.at(-1);
  const running = runningJob(queue);
  return running?.id === steps.jobId && running.target !== null && last !== undefined
    ? { url: last.dataUrl, frame }
    : null;
}
