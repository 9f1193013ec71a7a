/** Calls about training: queueing one, its losses so far, the pictures of a folder. */
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { StudioError } from '../../preload/errors.ts';
import type { Job } from '../../preload/jobs.ts';
import type { ImageRef } from '../../preload/request.ts';
import type { LoraTrainingRequest } from '../../preload/training.ts';
import { imagePath } from '../history/uploads.ts';
import type { Services } from './services.ts';

type TrainingInput = Omit<LoraTrainingRequest, 'outputDir' | 'pictures'> & {
  readonly pictures: readonly { readonly image: ImageRef; readonly caption: string }[];
};

/** Queues a training whose folder is its own: it is where a paused one goes on from. */
export function startTraining(
  { jobs, places, folder }: Services,
  { pictures, ...request }: TrainingInput,
): Job {
  const stamp = new Date(places.now()).toISOString().slice(0, 19).replaceAll(':', '');
  return jobs.add({
    ...request,
    outputDir: join(folder.training, `${request.name}-${stamp}`),
    pictures: pictures.map(({ image, caption }) => ({ path: imagePath(places, image), caption })),
  });
}

/** A job's losses, thinned to what a curve can show, and the sample pictures in its folder. */
export function trainingRun({ jobs, db, places }: Services, id: number) {
  const job = jobs.get(id);
  const count = db.value<number>('SELECT count(*) FROM training_losses WHERE job_id = ?', id) ?? 0;
  const losses = db.all<{ step: number; loss: number }>(
    'SELECT step, loss FROM training_losses WHERE job_id = ? AND step % ? = 0 ORDER BY step',
    id,
    Math.max(1, Math.floor(count / 2000)),
  );
  const samples = job.request.kind === 'train-lora' ? sampleFiles(job.request.outputDir) : [];
  return {
    job,
    losses,
    samples: samples.map((step) => ({ step, url: places.urls.of('sample', `${id}-${step}`) })),
  };
}

/** Steps of the pictures `sample-STEP.png`. */
function sampleFiles(folder: string): number[] {
  try {
    return readdirSync(folder)
      .flatMap((name) => /^sample-0*(\d+)\.png$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  } catch {
    return []; // Not started yet.
  }
}

const PICTURES = ['.png', '.jpg', '.jpeg', '.webp'];
const MAX_CAPTION = 2000;

/** Pictures of a folder with the captions beside them. @throws StudioError `not-found`. */
export function trainingFolder(path: string): { path: string; caption: string }[] {
  const names = listing(path);
  return names
    .filter((name) => PICTURES.includes(extname(name).toLowerCase()))
    .sort()
    .slice(0, 1000)
    .map((name) => {
      const stem = name.slice(0, -extname(name).length);
      const beside = ['.txt', '.caption'].map((ending) => stem + ending).find((file) => names.includes(file));
      const caption =
        beside === undefined ? '' : readFileSync(join(path, beside), 'utf8').trim().slice(0, MAX_CAPTION);
      return { path: join(path, name), caption };
    });
}

function listing(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    throw new StudioError(
      'not-found',
      `The folder ${path} cannot be read.`,
      'Check the path and its permissions.',
      String(error),
    );
  }
}
