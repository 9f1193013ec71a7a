/** Training commands: start, pause, resume, and finding the run again after a restart. */
import { currentDocument } from '../stores/document.ts';
import { attempt } from '../stores/notices.ts';
import { useQueue } from '../stores/queue.ts';
import { studio } from '../stores/studio.ts';
import { showTraining, useTraining } from '../stores/training.ts';

/** Learning-rate warm-up as a part of all steps, and how often the state is saved. */
const WARMUP = 0.05;
const SAVE_EVERY = 25;

export async function train(): Promise<void> {
  const { training, draft } = currentDocument();
  const { settings, pictures } = training;
  const { checkpoint } = draft;
  if (checkpoint === null) return;
  const job = await attempt(() =>
    studio().training.start({
      ...settings,
      kind: 'train-lora',
      name: settings.name.trim(),
      checkpoint,
      alpha: settings.rank,
      warmupSteps: Math.round(settings.steps * WARMUP),
      saveEvery: SAVE_EVERY,
      samplePrompt: settings.samplePrompt || settings.triggerWord,
      pictures: pictures.map(({ image, caption }) => ({ image, caption })),
    }),
  );
  if (job !== undefined) useTraining.setState({ jobId: job.id, losses: [], samples: [] });
}

export async function pauseTraining(): Promise<void> {
  const { jobId: id } = useTraining.getState();
  if (id !== null) await attempt(() => studio().training.pause({ id }));
}

export async function resumeTraining(): Promise<void> {
  const { jobId: id } = useTraining.getState();
  if (id !== null) await attempt(() => studio().queue.continue({ id }));
}

/** Shows the newest training job of the queue unless one is shown already. */
export async function findTraining(): Promise<void> {
  const job = useQueue.getState().jobs.findLast(({ request }) => request.kind === 'train-lora');
  if (job !== undefined && useTraining.getState().jobId === null) await showTraining(job.id);
}
