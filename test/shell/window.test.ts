/** The window's fences: sandboxed, at home, without other windows; a port only for our own page. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { tempFolder } from '../helpers/tempFolder.ts';
import * as electron from './electron.ts';

vi.mock('electron', () => import('./electron.ts'));
vi.mock('electron-log/main', () => import('./log.ts'));
const { openWindow } = await import('../../main/shell/window.ts');
const { isOurs } = await import('../../main/shell/ports.ts');

const open = (content?: string) => {
  const stateFile = join(tempFolder(), 'window.json');
  if (content !== undefined) writeFileSync(stateFile, content);
  const crashes: string[][] = [];
  const window = openWindow({
    preload: '/app/bridge.cjs',
    stateFile,
    onCrash: (...all) => crashes.push(all),
  });
  return { window, stateFile, crashes, browser: electron.BrowserWindow.last };
};

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
    for (const name of ['will-navigate', 'will-frame-navigate', 'will-redirect', 'will-attach-webview']) {
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

  it('opens on a screen that is there', () => {
    const state = (x: number, y: number) =>
      JSON.stringify({ place: { x, y }, width: 1300, height: 800, maximized: false });
    for (const [x, y] of [
      [2500, 100],
      [-1290, 100],
      [100, 1060],
      [100, -200],
    ] as const)
      expect(open(state(x, y)).browser.options, `${x},${y}`).not.toHaveProperty('x');
    expect(open(state(-400, 300)).browser.options).toMatchObject({ x: -400, y: 300 });
  });

  it('is loaded again after a crash, given up after two in a row, and tells of both', () => {
    const { browser, crashes } = open();
    browser.webContents.emit('render-process-gone', {}, { reason: 'clean-exit' });
    browser.webContents.emit('render-process-gone', {}, { reason: 'crashed' });
    expect(browser.webContents.reloads).toBe(1);
    browser.webContents.emit('render-process-gone', {}, { reason: 'oom' });
    expect(browser.webContents.reloads).toBe(1);
    expect(crashes).toEqual([
      ['mended', 'crashed'],
      ['given up', 'oom'],
    ]);
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
