/** The training page: pictures with captions, the settings of the next run, and the curve of the one that is shown. */
import { create } from 'zustand';
import type { ImageRef } from '../../preload/request.ts';
import type { LoraTrainingRequest } from '../../preload/training.ts';
import { attempt } from './notices.ts';
import { onEvent, studio } from './studio.ts';

export interface TrainingPicture {
  readonly id: string;
  readonly image: ImageRef;
  readonly url: string;
  readonly caption: string;
}

export type TrainingSettings = Pick<
  LoraTrainingRequest,
  | 'name'
  | 'triggerWord'
  | 'rank'
  | 'steps'
  | 'resolution'
  | 'learningRate'
  | 'sampleEvery'
  | 'samplePrompt'
  | 'flip'
  | 'targets'
>;

interface TrainingState {
  readonly pictures: readonly TrainingPicture[];
  readonly settings: TrainingSettings;
  readonly jobId: number | null;
  readonly losses: readonly { readonly step: number; readonly loss: number }[];
  readonly samples: readonly { readonly step: number; readonly url: string }[];
}

/** Most pictures of one training, as the page promises. */
export const PICTURE_LIMIT = 50;

export const useTraining = create<TrainingState>(() => ({
  pictures: [],
  settings: {
    name: '',
    triggerWord: '',
    rank: 8,
    steps: 400,
    resolution: 512,
    learningRate: 1e-4,
    sampleEvery: 50,
    samplePrompt: '',
    flip: false,
    targets: ['cross-attention'],
  },
  jobId: null,
  losses: [],
  samples: [],
}));

export const setTraining = (change: Partial<TrainingSettings>): void =>
  useTraining.setState(({ settings }) => ({ settings: { ...settings, ...change } }));

const stem = (name: string): string => name.replace(/\.[^.]+$/, '');

/** Adds pictures; a text file with the same stem beside one is its caption. */
export async function addTrainingPictures(files: readonly File[]): Promise<void> {
  const texts = new Map<string, string>();
  for (const file of files)
    if (/\.(txt|caption)$/i.test(file.name)) texts.set(stem(file.name), (await file.text()).trim());
  for (const file of files.filter(({ type }) => type.startsWith('image/'))) {
    if (useTraining.getState().pictures.length >= PICTURE_LIMIT) break;
    const stored = await attempt(() => studio().images.upload({ file }));
    if (stored === undefined) continue;
    const { image, url } = stored;
    const picture = { id: crypto.randomUUID(), image, url, caption: texts.get(stem(file.name)) ?? '' };
    useTraining.setState(({ pictures }) => ({ pictures: [...pictures, picture] }));
  }
}

export const setCaption = (id: string, caption: string): void =>
  useTraining.setState(({ pictures }) => ({
    pictures: pictures.map((picture) => (picture.id === id ? { ...picture, caption } : picture)),
  }));

export const removeTrainingPicture = (id: string): void =>
  useTraining.setState(({ pictures }) => ({ pictures: pictures.filter((picture) => picture.id !== id) }));

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
    const every = useTraining.getState().settings.sampleEvery;
    if (every > 0 && step % every === 0) void showTraining(jobId);
  }
  if (event.type === 'job' && event.job.id === jobId && event.job.state === 'done') void showTraining(jobId);
});
