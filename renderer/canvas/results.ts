/** Which result the canvas shows: the running step, a scrubbed step, or the waiting candidate blended with today's mask. */
import type { Coverage } from '../document/coverage.ts';
import type { StudioDocument } from '../document/document.ts';
import { type Candidate, shownCandidate, useCandidates } from '../stores/candidates.ts';
import { useDocument } from '../stores/document.ts';
import { runningJob, type useQueue } from '../stores/queue.ts';
import { drawable, latest, type Preview, reblender } from './resultView.ts';

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

/** Keeps the shown candidate blended with the document's mask; `changed` is called when a new blend is ready. */
export function shownBlend(maskOf: (document: StudioDocument) => Coverage, changed: () => void) {
  const reblend = reblender();
  let ready: {
    readonly candidate: Candidate;
    readonly mask: unknown;
    readonly picture: OffscreenCanvas | null;
  } | null = null;
  const refresh = latest(
    async () => {
      const candidate = shownCandidate(useCandidates.getState());
      const { document } = useDocument.getState().timeline;
      if (candidate === null) return null;
      const pixels = await reblend(candidate, document, maskOf(document));
      return { candidate, mask: document.mask, picture: pixels === null ? null : drawable(pixels) };
    },
    (next) => {
      ready = next;
      changed();
    },
  );
  return {
    /** The blend to draw for this candidate; null means its own picture. */
    current(candidate: Candidate | null): CanvasImageSource | null {
      if (candidate === null) return null;
      const { mask } = useDocument.getState().timeline.document;
      if (ready?.candidate !== candidate || ready.mask !== mask) refresh();
      return ready?.candidate === candidate ? ready.picture : null;
    },
  };
}
