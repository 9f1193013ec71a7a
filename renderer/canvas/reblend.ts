/** An inpainted result blended again, without inference, when its mask has changed since it was sent. */
import type { StudioDocument } from '../document/document.ts';
import { pictureKey } from '../document/layer.ts';
import type { Reblend } from '../raster/protocol.ts';
import { type Candidate, shownCandidate, useCandidates } from '../stores/candidates.ts';
import { useDocument } from '../stores/document.ts';
import { showError } from '../stores/notices.ts';
import { askRaster } from '../surfaces/raster.ts';

/** What to blend again; null when the result is as it was sent. */
export function reblendOf(candidate: Candidate, document: StudioDocument): Omit<Reblend, 'file'> | null {
  const sent = useCandidates.getState().sent.get(candidate.jobId);
  const { request, frame, image } = candidate;
  if (sent === undefined || request.kind !== 'inpaint' || sent.mask === document.mask) return null;
  const [result, source, mask] = [image, request.initImage, request.mask].map(pictureKey);
  return { result: result!, source: source!, mask: mask!, frame, holes: sent.holes };
}

interface Blend {
  readonly candidate: Candidate;
  readonly mask: unknown;
  readonly picture: ImageBitmap | null;
}

/** Keeps the shown candidate blended with the document's mask; `changed` is called when a new blend is ready. */
export function shownBlend(changed: () => void) {
  let ready: Blend | null = null;
  const refresh = latest(newestBlend, (next) => {
    ready = next;
    changed();
  });
  return {
    /** The blend to draw for this candidate; null means its own picture. */
    current(candidate: Candidate | null): ImageBitmap | null {
      if (candidate === null) return null;
      const { mask } = useDocument.getState().timeline.document;
      if (ready?.candidate !== candidate || ready.mask !== mask) refresh();
      return ready?.candidate === candidate ? ready.picture : null;
    },
  };
}

async function newestBlend(): Promise<Blend | null> {
  const candidate = shownCandidate(useCandidates.getState());
  const { document } = useDocument.getState().timeline;
  if (candidate === null) return null;
  const wanted = reblendOf(candidate, document);
  const blended = wanted === null ? null : await askRaster(document, 'reblend', { ...wanted, file: false });
  const picture = blended !== null && 'picture' in blended ? blended.picture : null;
  return { candidate, mask: document.mask, picture };
}

/** Runs the newest of several requests only, one after another. */
function latest<T>(work: () => Promise<T>, done: (value: T) => void): () => void {
  let running = false;
  let again = false;
  const start = async () => {
    running = true;
    do {
      again = false;
      await work().then(done, showError);
    } while (again);
    running = false;
  };
  return () => {
    again = true;
    if (!running) void start();
  };
}
