/** A native notification when a long job ends while one looks elsewhere. */
import type { BrowserWindow, Notification } from 'electron';
import type { Job } from '../../preload/jobs.ts';
import type { Services } from '../app/services.ts';
import type { Words } from './words.ts';

/** Shorter jobs end while one still looks at them. */
const LONG_MILLISECONDS = 20_000;

/** What to say about a job that has ended; null when there is nothing to say. */
export function noteOf(
  { state, started, finished, request, error }: Job,
  words: Words,
): { title: string; body: string } | null {
  if (started === null || finished === null || finished - started < LONG_MILLISECONDS) return null;
  const name = 'prompt' in request ? request.prompt : 'name' in request ? request.name : request.kind;
  if (state === 'done') return { title: words.jobDone, body: name };
  return state === 'failed' ? { title: words.jobFailed, body: error?.message ?? name } : null;
}

/** Listens to the studio's events; `Note` is Electron's Notification. */
export function notifyWhenDone(
  { events }: Pick<Services, 'events'>,
  window: () => BrowserWindow | null,
  words: () => Words,
  Note: typeof Notification,
): void {
  if (!Note.isSupported()) return;
  const told = new Set<number>();
  events.subscribe((event) => {
    if (event.type !== 'job' || window()?.isFocused() || told.has(event.job.id)) return;
    const note = noteOf(event.job, words());
    if (note === null) return;
    told.add(event.job.id);
    const notification = new Note(note);
    notification.on('click', () => window()?.focus());
    notification.show();
  });
}
