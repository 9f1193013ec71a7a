/** The one window: sandboxed, isolated, kept on its own page; its size is remembered, its crash is mended. */
import { readFileSync, writeFileSync } from 'node:fs';
import { BrowserWindow, type Rectangle, screen } from 'electron';
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

/** Pixels of the title bar that must lie on a screen. */
const GRIP = 40;

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
  /** The page crashed: it was loaded again, or given up because it had only just crashed before. */
  readonly onCrash: (outcome: 'mended' | 'given up', reason: string) => void;
}

export function openWindow({ preload, stateFile, onCrash }: WindowOptions): StudioWindow {
  const { maximized, width, height, place } = readState(stateFile);
  const browser = new BrowserWindow({
    width,
    height,
    ...(place !== null && isOnScreen({ ...place, width, height }) ? place : {}),
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
  mendCrashes(browser, onCrash);
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
  webContents.on('will-frame-navigate', (event) => event.preventDefault());
  webContents.on('will-redirect', (event) => event.preventDefault());
  webContents.on('will-attach-webview', (event) => event.preventDefault());
}

function mendCrashes({ webContents }: BrowserWindow, onCrash: WindowOptions['onCrash']): void {
  let last = Number.NEGATIVE_INFINITY;
  webContents.on('render-process-gone', (_event, { reason }) => {
    if (reason === 'clean-exit') return;
    const now = Date.now();
    const mended = now - last > CRASH_PAUSE;
    last = now;
    if (mended) webContents.reload();
    onCrash(mended ? 'mended' : 'given up', reason);
  });
}

/** A screen that has been unplugged since takes no window with it: enough of the title bar must be seen to drag it. */
function isOnScreen({ x, y, width }: Rectangle): boolean {
  return screen
    .getAllDisplays()
    .some(
      ({ workArea }) =>
        x + width > workArea.x + GRIP &&
        x < workArea.x + workArea.width - GRIP &&
        y >= workArea.y - GRIP &&
        y < workArea.y + workArea.height - GRIP,
    );
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
