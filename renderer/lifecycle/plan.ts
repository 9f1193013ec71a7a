/** "Fits? About 9 s": asks the studio for its plan whenever the draft has been quiet for a moment. */
import type { GenerationRequest, ImageRef } from '../../preload/request.ts';
import { buildRequest } from '../request/build.ts';
import { currentDocument, useDocument } from '../stores/document.ts';
import { useModels } from '../stores/models.ts';
import { useQueue } from '../stores/queue.ts';
import { studio, useStudio } from '../stores/studio.ts';
import { useView } from '../stores/view.ts';

const PAUSE = 250;
/** Stands for pictures that are only exported when Generate is pressed; the plan depends on sizes alone. */
const ANY_IMAGE: ImageRef = { sha256: '0'.repeat(64) };

/** The kind of request that Generate would make, without exporting anything. */
function sketchedRequest(): GenerationRequest | null {
  const document = currentDocument();
  const { mode } = useView.getState();
  const starts = mode === 'edit' && document.layers.some(({ visible }) => visible);
  return buildRequest(document.draft, {
    ...(starts ? { initImage: ANY_IMAGE } : {}),
    ...(starts && document.mask.operations.length > 0 ? { mask: ANY_IMAGE } : {}),
  });
}

export function startPlanning(): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = 0;
  const ask = async () => {
    const request = sketchedRequest();
    const number = ++asked;
    if (useStudio.getState().line !== 'open') return;
    const plan =
      request === null
        ? null
        : await studio()
            .queue.plan({ request })
            .catch(() => null);
    if (number === asked) useQueue.setState({ plan });
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => void ask(), PAUSE);
  };
  useDocument.subscribe(({ timeline }, before) => {
    if (timeline.document.draft !== before.timeline.document.draft) soon();
  });
  useView.subscribe(({ mode }, before) => {
    if (mode !== before.mode) soon();
  });
  useModels.subscribe(soon);
  useStudio.subscribe(({ line }, before) => {
    if (line !== before.line) soon();
  });
}
