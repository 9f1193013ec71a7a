/** The window's fences: sandboxed, at home, without other windows; a port only for our own page. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import * as electron from './electron.ts';

vi.mock('electron', () => import('./electron.ts'));
const { openWindow } = await import('../../main/shell/window.ts');
const { isOurs } = await import('../../main/shell/ports.ts');
const { noteOf } = await import('../../main/shell/notify.ts');
const { filesIn } = await import('../../main/shell/files.ts');

const open = (content?: string) => {
  const stateFile = join(mkdtempSync(join(tmpdir(), 'emulsion-window-')), 'window.json');
  if (content !== undefined) writeFileSync(stateFile, content);
  const window = openWindow({ preload: '/app/bridge.cjs', stateFile });
  return { window, stateFile, browser: electron.BrowserWindow.last };
};

beforeEach(() => void electron.errorBoxes.splice(0));

describe('the window', () => {
  it('is isolated, sandboxed and without Node', () => {
    const { browser } = open();
    expect(browser.options['webPreferences']).toMatchObject({
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webviewTag: false,
    });
    expect(browser.loaded).toBe('emulsion://studio/index.html');
  });

  it('goes nowhere else and opens no other', () => {
    const { webContents } = open().browser;
    expect(webContents.openHandler?.()).toEqual({ action: 'deny' });
    for (const name of ['will-navigate', 'will-redirect', 'will-attach-webview']) {
      const event = { preventDefault: vi.fn() };
      webContents.emit(name, event);
      expect(event.preventDefault, name).toHaveBeenCalledOnce();
    }
  });

  it('opens where it was, and at its first size after nonsense', () => {
    const { browser, stateFile } = open();
    browser.emit('close');
    const again = open(readFileSync(stateFile, 'utf8')).browser;
    expect(again.options).toMatchObject({ x: 11, y: 22, width: 1300, height: 800 });
    for (const nonsense of ['', '{}', '{"width":1e9,"height":700,"maximized":false,"place":null}', '[1,2'])
      expect(open(nonsense).browser.options).toMatchObject({ width: 1440, height: 900 });
  });

  it('is loaded again after a crash, and says so after two in a row', () => {
    const { webContents } = open().browser;
    webContents.emit('render-process-gone', {}, { reason: 'crashed' });
    expect(webContents.reloads).toBe(1);
    webContents.emit('render-process-gone', {}, { reason: 'oom' });
    expect(webContents.reloads).toBe(1);
    expect(electron.errorBoxes[0]?.[1]).toContain('safe');
  });

  it('hands messages over once the page is there', async () => {
    const { window, browser } = open();
    window.send({ type: 'open', path: '/a.safetensors' });
    await vi.waitFor(() =>
      expect(browser.webContents.sent).toEqual([['shell', { type: 'open', path: '/a.safetensors' }]]),
    );
  });
});

describe('the port', () => {
  it('is for the top frame of our own page alone', () => {
    const { browser } = open();
    const { webContents } = browser;
    const ours = browser as never;
    const event = (frame: unknown, sender: unknown = webContents) =>
      ({ senderFrame: frame, sender }) as never;
    expect(isOurs(event(webContents.mainFrame), ours)).toBe(true);
    expect(isOurs(event({ url: 'emulsion://studio/index.html' }), ours)).toBe(false);
    expect(isOurs(event(null), ours)).toBe(false);
    expect(isOurs(event(webContents.mainFrame), null)).toBe(false);
    expect(isOurs(event(webContents.mainFrame, new electron.WebContents()), ours)).toBe(false);
    webContents.mainFrame.url = 'https://example.org/emulsion://studio/';
    expect(isOurs(event(webContents.mainFrame), ours)).toBe(false);
    webContents.mainFrame.url = 'emulsion://studio.example/';
    expect(isOurs(event(webContents.mainFrame), ours)).toBe(false);
  });
});

describe('notes and arguments', () => {
  const job = {
    state: 'done',
    started: 0,
    finished: 30_000,
    request: { kind: 'text-to-image', prompt: 'a boat' },
    error: null,
  } as never;
  it('tell of long jobs only', () => {
    expect(noteOf(job)).toEqual({ title: 'Ready', body: 'a boat' });
    expect(noteOf(Object.assign({}, job, { finished: 900 }))).toBeNull();
    expect(noteOf(Object.assign({}, job, { state: 'cancelled' }))).toBeNull();
    expect(
      noteOf(Object.assign({}, job, { state: 'failed', error: { message: 'Out of memory.' } }))?.body,
    ).toBe('Out of memory.');
  });

  it('take models and projects from the command line, no switches', () => {
    expect(filesIn(['/usr/bin/emulsion', '--flag', '/m/a.safetensors', 'b.EMULSION', 'c.txt'])).toEqual([
      '/m/a.safetensors',
      'b.EMULSION',
    ]);
  });
});
