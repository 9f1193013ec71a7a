/** A stand-in for the electron module: records what the shell asks of it, and lets a test play Electron's part. */
import { EventEmitter } from 'node:events';

export class WebContents extends EventEmitter {
  openHandler: (() => { action: string }) | null = null;
  readonly sent: unknown[][] = [];
  reloads = 0;
  readonly mainFrame = {
    url: 'emulsion://studio/index.html',
    posted: [] as unknown[][],
    postMessage: (...all: unknown[]) => void this.mainFrame.posted.push(all),
  };
  readonly dragged: unknown[] = [];
  setWindowOpenHandler(handler: () => { action: string }): void {
    this.openHandler = handler;
  }
  send(...all: unknown[]): void {
    this.sent.push(all);
  }
  reload(): void {
    this.reloads++;
  }
  startDrag(item: unknown): void {
    this.dragged.push(item);
  }
}

export class BrowserWindow extends EventEmitter {
  static last: BrowserWindow;
  readonly webContents = new WebContents();
  readonly options: Record<string, unknown>;
  loaded = '';
  focused = false;
  constructor(options: Record<string, unknown>) {
    super();
    this.options = options;
    BrowserWindow.last = this;
  }
  maximize(): void {}
  show(): void {}
  isDestroyed = () => false;
  isMaximized = () => false;
  isFocused = () => this.focused;
  getNormalBounds = () => ({ x: 11, y: 22, width: 1300, height: 800 });
  loadURL(url: string): Promise<void> {
    this.loaded = url;
    return Promise.resolve();
  }
}

export const ipcMain = new EventEmitter();
export const errorBoxes: string[][] = [];
export const dialog = { showErrorBox: (...words: string[]) => void errorBoxes.push(words) };
export const nativeImage = { createFromPath: (path: string) => ({ resize: () => path }) };

/** A pair of Node ports behaves as Electron's does, but for where the data lies in an event. */
export class MessageChannelMain {
  readonly port1;
  readonly port2;
  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.port1 = port1;
    this.port2 = port2;
  }
}

export const shell = { showItemInFolder: () => undefined, trashItem: async () => undefined };
