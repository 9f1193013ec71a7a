/** Live mode: a quick run whenever the document has been quiet for a moment; what it overtakes is stopped. */
import { currentDocument, useDocument } from '../stores/document.ts';
import { outdateLive, startedLive } from '../stores/live.ts';
import { useQueue } from '../stores/queue.ts';
import { studio } from '../stores/studio.ts';
import { useView } from '../stores/view.ts';
import { generate } from './generate.ts';

/** Steps and pause (ms of quiet) of live mode. */
const LIVE_STEPS = 6;
const LIVE_PAUSE = 350;

type Timeline = ReturnType<typeof useDocument.getState>['timeline'];

/** True for a change that another picture comes of. */
function changes({ document: now }: Timeline, { document: then }: Timeline): boolean {
  const painted = now.mask !== then.mask || now.sketch !== then.sketch || now.layers !== then.layers;
  return painted || now.draft.prompt !== then.draft.prompt || now.draft.loras !== then.draft.loras;
}

/** Starts following the document; call once. */
export function startLiveMode(): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wanted = false;
  // Sent and not in the queue yet: nobody knows its number.
  let sending = false;
  const run = async () => {
    const queue = useQueue.getState();
    const busy =
      queue.sending > 0 || queue.jobs.some(({ state }) => state === 'running' || state === 'queued');
    if (!wanted || sending || !useView.getState().live || busy) return;
    wanted = false;
    sending = true;
    const steps = Math.min(LIVE_STEPS, currentDocument().draft.steps);
    const jobId = await generate({ steps, batch: 1, speed: 'draft' });
    sending = false;
    if (jobId !== null) startedLive(jobId);
    // Something was painted while it was on its way.
    if (wanted) stopOutdated();
  };
  useDocument.subscribe(({ timeline }, before) => {
    if (!useView.getState().live || !changes(timeline, before.timeline)) return;
    wanted = true;
    stopOutdated();
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = undefined;
      void run();
    }, LIVE_PAUSE);
  });
  useQueue.subscribe(({ jobs, sending }, before) => {
    const news = jobs !== before.jobs || sending !== before.sending;
    if (wanted && timer === undefined && news) void run();
  });
}

/** Stops the run that has been overtaken, once: asked twice, its engine would be ended. */
function stopOutdated(): void {
  const id = outdateLive();
  const settled = useQueue
    .getState()
    .jobs.some((job) => job.id === id && job.state !== 'running' && job.state !== 'queued');
  if (id === null || settled) return;
  // It may have been painted in this very moment; then its result is left out.
  void studio()
    .queue.cancel({ id })
    .catch(() => undefined);
}
