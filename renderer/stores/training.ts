/** Training as the page shows it: what it will be made of (kept in the document), and the curve of the run that is shown. */
import { create } from 'zustand';
import type { TrainingPicture, TrainingSettings } from '../document/training.ts';
import { PICTURE_LIMIT } from '../document/training.ts';
import { currentDocument, perform } from './document.ts';
import { attempt } from './notices.ts';
import { onEvent, studio } from './studio.ts';

interface TrainingState {
  readonly jobId: number | null;
  readonly losses: readonly { readonly step: number; readonly loss: number }[];
  readonly samples: readonly { readonly step: number; readonly url: string }[];
}

export const useTraining = create<TrainingState>(() => ({ jobId: null, losses: [], samples: [] }));

export const setTraining = (change: Partial<TrainingSettings>, gesture: string | null = null): void =>
  perform({ type: 'training changed', change }, gesture);

const stem = (name: string): string => name.replace(/\.[^.]+$/, '');

/** Adds pictures; a text file with the same stem beside one is its caption. */
export async function addTrainingPictures(files: readonly File[]): Promise<void> {
  const texts = new Map<string, string>();
  for (const file of files)
    if (/\.(txt|caption)$/i.test(file.name)) texts.set(stem(file.name), (await file.text()).trim());
  const room = PICTURE_LIMIT - currentDocument().training.pictures.length;
  const pictures: TrainingPicture[] = [];
  for (const file of files.filter(({ type }) => type.startsWith('image/')).slice(0, room)) {
    const stored = await attempt(() => studio().images.upload({ file }));
    if (stored === undefined) continue;
    pictures.push({
      id: crypto.randomUUID(),
      image: stored.image,
      caption: texts.get(stem(file.name)) ?? '',
    });
  }
  if (pictures.length > 0) perform({ type: 'training pictures added', pictures });
}

/** Shows a training job's curve and samples so far. */
export async function showTraining(jobId: number): Promise<void> {
  const run = await attempt(() => studio().training.run({ id: jobId }));
  if (run !== undefined) useTraining.setState({ jobId, losses: run.losses, samples: run.samples });
}

onEvent((event) => {
  const { jobId } = useTraining.getState();
  if (event.type === 'progress' && event.progress.jobId === jobId && event.progress.loss !== null) {
    const { step, loss } = event.progress;
    useTraining.setState(({ losses }) => ({
      losses: [...losses.filter((known) => known.step < step), { step, loss }],
    }));
    const every = currentDocument().training.settings.sampleEvery;
    if (every > 0 && step % every === 0) void showTraining(jobId);
  }
  if (event.type === 'job' && event.job.id === jobId && event.job.state === 'done') void showTraining(jobId);
});
