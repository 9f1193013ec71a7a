/** What both foreign interfaces do with a request: queue it, wait for it, hand back its pictures. */
import { readFile } from 'node:fs/promises';
import { StudioError } from '../../preload/errors.ts';
import type { Job, JobRequest } from '../../preload/jobs.ts';
import type { ModelRef } from '../../preload/request.ts';
import type { Services } from '../app/services.ts';
import { imagePath, storeUpload } from '../history/uploads.ts';

/** Resolves with the finished job. @throws StudioError with the job's own reason when it did not finish. */
export async function runJob(s: Services, request: JobRequest): Promise<Job> {
  if (s.jobs.list().paused) {
    throw new StudioError('conflict', 'The queue of the studio is paused.', 'Resume it in the studio.');
  }
  const job = await s.jobs.settled(s.jobs.add(request).id, s.events.subscribe);
  if (job.state === 'done') return job;
  const { code, message, hint } = job.error ?? {
    code: 'cancelled' as const,
    message: 'The job was stopped.',
    hint: 'Start it again.',
  };
  throw new StudioError(code, message, hint);
}

/** The PNG files of a job's pictures, with all their metadata. */
export async function picturesOf(
  { db, folder, history }: Services,
  job: Job,
): Promise<{ id: number; bytes: Uint8Array; seed: string; parameters: string }[]> {
  return Promise.all(
    job.pictures.map(async (id) => {
      const { image, seed, parameters } = history.get(id);
      return { id, seed, parameters, bytes: await readFile(imagePath({ db, ...folder }, image)) };
    }),
  );
}

/** A picture as base64, with or without `data:` in front, becomes an ImageRef. @throws StudioError `bad-input`. */
export async function storeBase64({ places }: Services, text: string): Promise<{ sha256: string }> {
  const data = text.replace(/^data:[^,]*,/, '');
  if (!/^[A-Za-z0-9+/=\s_-]+$/.test(data))
    throw new StudioError('bad-input', 'A picture is not base64.', 'Send PNG, JPEG or WebP as base64.');
  const { image } = await storeUpload(places, Buffer.from(data, 'base64'));
  return { sha256: image.sha256 ?? '' };
}

/** The checkpoint to use where a client names none: the one used last, else the first that works. @throws StudioError. */
export function defaultCheckpoint({ db }: Services): ModelRef {
  const row = db.get<{ file_name: string; path: string }>(
    "SELECT file_name, path FROM models WHERE coalesce(user_type, type) = 'checkpoint' AND state = 'ready' ORDER BY last_used IS NULL, last_used DESC, id LIMIT 1",
  );
  if (row === undefined)
    throw new StudioError('unknown-model', 'The library has no checkpoint.', 'Add one in the studio.');
  return { name: row.file_name.replace(/\.[^.]+$/, ''), path: row.path };
}
