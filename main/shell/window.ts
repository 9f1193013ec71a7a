/** The one window: sandboxed, isolated, kept on its own page; its size is remembered, its crash is mended. */
import { readFileSync, writeFileSync } from 'node:fs';
import { BrowserWindow, dialog } from 'electron';
import { z } from 'zod';
import { ORIGIN } from './protocol.ts';

const stateSchema = z.object({
  place: z.object({ x: z.int(), y: z.int() }).nullable(),
  width: z.int().min(900).max(20_000),
  height: z.int().min(600).max(20_000),
  maximized: z.boolean(),
});
type WindowState = z.infer<typeof stateSchema>;

const FIRST_STATE: WindowState = { place: null, width: 1440, height: 900, maximized: false };
/** Colour before the page has painted: the darkroom's. */
const BACKGROUND = '#0e1014';
/** Crashes of the page within this many milliseconds are one trouble too many: it is not loaded again. */
const CRASH_PAUSE = 10_000;

/** What the shell tells the page. */
export type ShellMessage =
  | { readonly type: 'command'; readonly command: string }
  | { readonly type: 'open'; readonly path: string };

export interface StudioWindow {
  readonly browser: BrowserWindow;
  /** Waits until the page listens. */
  readonly send: (message: ShellMessage) => void;
}

export interface WindowOptions {
  readonly preload: string;
  /** Where size and place are kept. */
  readonly stateFile: string;
}

export function openWindow({ preload, stateFile }: WindowOptions): StudioWindow {
  const { maximized, width, height, place } = readState(stateFile);
  const browser = new BrowserWindow({
    width,
    height,
    ...(place ?? {}),
    minWidth: 1100,
    minHeight: 680,
    show: false,
    backgroundColor: BACKGROUND,
    title: 'Emulsion',
    webPreferences: {
      preload,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webviewTag: false,
      spellcheck: false,
    },
  });
  if (maximized) browser.maximize();
  browser.once('ready-to-show', () => browser.show());
  browser.on('close', () => writeState(stateFile, browser));
  stayHome(browser);
  mendCrashes(browser);
  const loaded = browser.loadURL(`${ORIGIN}/index.html`);
  const send = (message: ShellMessage) =>
    void loaded.then(() => {
      if (!browser.isDestroyed()) browser.webContents.send('shell', message);
    });
  return { browser, send };
}

/** No other page, no other window, no frame: links that want out are ignored. */
function stayHome({ webContents }: BrowserWindow): void {
  webContents.setWindowOpenHandler(() => ({ action: 'deny' }));
  webContents.on('will-navigate', (event) => event.preventDefault());
  webContents.on('will-redirect', (event) => event.preventDefault());
  webContents.on('will-attach-webview', (event) => event.preventDefault());
}

function mendCrashes(browser: BrowserWindow): void {
  let last = Number.NEGATIVE_INFINITY;
  browser.webContents.on('render-process-gone', (_event, { reason }) => {
    const now = Date.now();
    if (reason === 'clean-exit') return;
    if (now - last > CRASH_PAUSE) browser.webContents.reload();
    else
      dialog.showErrorBox(
        'The window stopped twice in a row.',
        `Queue, pictures and undo are safe. Quit and open Emulsion again (${reason}).`,
      );
    last = now;
  });
}

/** The state of last time; the first one where the file is missing or says nonsense. */
function readState(file: string): WindowState {
  try {
    return stateSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return FIRST_STATE;
  }
}

function writeState(file: string, browser: BrowserWindow): void {
  const { x, y, width, height } = browser.getNormalBounds();
  const state: WindowState = { place: { x, y }, width, height, maximized: browser.isMaximized() };
  try {
    writeFileSync(file, JSON.stringify(state));
  } catch {
    // A window that opens at its first size next time is no reason to keep anyone from closing it.
  }
}
