/** Notes about long jobs, in the language of the studio, when one looks elsewhere. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createEvents } from '../../main/app/events.ts';
import { filesIn } from '../../main/shell/files.ts';
import { noteOf, notifyWhenDone } from '../../main/shell/notify.ts';
import { wordsOf } from '../../main/shell/words.ts';
import type { Job } from '../../preload/jobs.ts';
import { unexpected } from '../helpers/unexpected.ts';
import * as electron from './electron.ts';

vi.mock('electron', () => import('./electron.ts'));

const english = wordsOf('en', 'zh');
const chinese = wordsOf('system', 'zh-TW');
const job = {
  id: 1,
  state: 'done',
  started: 0,
  finished: 30_000,
  request: { kind: 'text-to-image', prompt: 'a boat' },
  error: null,
} as Job;

describe('noteOf', () => {
  it('tells of long jobs only, in either language', () => {
    expect(noteOf(job, english)).toEqual({ title: 'Ready', body: 'a boat' });
    expect(noteOf(job, chinese)).toEqual({ title: '完成', body: 'a boat' });
    expect(noteOf({ ...job, finished: 900 }, english)).toBeNull();
    expect(noteOf({ ...job, state: 'cancelled' }, english)).toBeNull();
    const error = { code: 'out-of-memory', message: 'Out of memory.', hint: '' } as const;
    expect(noteOf({ ...job, state: 'failed', error }, english)?.body).toBe('Out of memory.');
  });
});

describe('notifyWhenDone', () => {
  beforeEach(() => void electron.Notification.shown.splice(0));
  const listen = (browser: electron.BrowserWindow) => {
    const events = createEvents(unexpected);
    notifyWhenDone(
      { events },
      () => browser as never,
      () => english,
      electron.Notification as never,
    );
    return events;
  };

  it('shows one note for a job, which brings the window back', () => {
    const browser = new electron.BrowserWindow({});
    const { emit } = listen(browser);
    emit({ type: 'job', job });
    emit({ type: 'job', job });
    expect(electron.Notification.shown.map(({ note }) => note)).toEqual([{ title: 'Ready', body: 'a boat' }]);
    electron.Notification.shown[0]!.emit('click');
    expect(browser.focused).toBe(true);
  });

  it('is silent while one looks at the window', () => {
    const browser = new electron.BrowserWindow({});
    browser.focus();
    listen(browser).emit({ type: 'job', job });
    expect(electron.Notification.shown).toEqual([]);
  });
});

describe('filesIn', () => {
  it('takes models and projects from the command line, no switches', () => {
    expect(filesIn(['/usr/bin/emulsion', '--flag', '/m/a.safetensors', 'b.EMULSION', 'c.txt'])).toEqual([
      '/m/a.safetensors',
      'b.EMULSION',
    ]);
  });
});
