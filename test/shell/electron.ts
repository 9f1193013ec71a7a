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
  isDestroyed = () => false;
  startDrag(item: unknown): void {
    this.dragged.push(item);
  }
}

export class BrowserWindow extends EventEmitter {
  static last: BrowserWindow;
  static all: BrowserWindow[] = [];
  readonly webContents = new WebContents();
  readonly options: Record<string, unknown>;
  loaded = '';
  focused = false;
  minimized = false;
  constructor(options: Record<string, unknown>) {
    super();
    this.options = options;
    BrowserWindow.last = this;
    BrowserWindow.all.push(this);
  }
  maximize(): void {}
  show(): void {}
  focus(): void {
    this.focused = true;
  }
  restore(): void {
    this.minimized = false;
  }
  isDestroyed = () => false;
  isMaximized = () => false;
  isMinimized = () => this.minimized;
  isFocused = () => this.focused;
  getNormalBounds = () => ({ x: 11, y: 22, width: 1300, height: 800 });
  loadURL(url: string): Promise<void> {
    this.loaded = url;
    return Promise.resolve();
  }
}

/** The application: `locked` is false when another instance runs already. */
class App extends EventEmitter {
  locked = true;
  locale = 'en-GB';
  exits: number[] = [];
  quits = 0;
  readonly isPackaged = false;
  requestSingleInstanceLock = () => this.locked;
  whenReady = () => Promise.resolve();
  getVersion = () => '1.2.3';
  getLocale = () => this.locale;
  quit(): void {
    this.quits++;
    this.emit('before-quit', { preventDefault: () => undefined });
  }
  exit(code: number): void {
    this.exits.push(code);
  }
}
export const app = new App();

export const ipcMain = new EventEmitter();
export const screen = { getAllDisplays: () => [{ workArea: { x: 0, y: 0, width: 1920, height: 1080 } }] };

export const errorBoxes: string[][] = [];
export const messageBoxes: Record<string, unknown>[] = [];
export const dialog = {
  /** Index of the button that is pressed next. */
  answer: 0,
  showErrorBox: (...words: string[]) => void errorBoxes.push(words),
  showMessageBox: async (box: Record<string, unknown>) => {
    messageBoxes.push(box);
    return { response: dialog.answer };
  },
};
export const nativeImage = { createFromBuffer: (bytes: Buffer) => bytes };

export interface MenuItem {
  readonly label?: string;
  readonly role?: string;
  readonly submenu?: readonly MenuItem[];
  readonly click?: () => void;
}
export const menu = { items: [] as readonly MenuItem[] };
export const Menu = {
  buildFromTemplate: (items: readonly MenuItem[]) => items,
  setApplicationMenu: (items: readonly MenuItem[]) => {
    menu.items = items;
  },
};

export class Notification extends EventEmitter {
  static shown: Notification[] = [];
  static isSupported = () => true;
  readonly note: { readonly title: string; readonly body: string };
  constructor(note: { title: string; body: string }) {
    super();
    this.note = note;
  }
  show(): void {
    Notification.shown.push(this);
  }
}

type Answer = (request: Request) => Promise<Response>;
export const protocol = {
  schemes: [] as unknown[],
  answers: new Map<string, Answer>(),
  registerSchemesAsPrivileged: (schemes: unknown[]) => void protocol.schemes.push(...schemes),
  handle: (scheme: string, answer: Answer) => void protocol.answers.set(scheme, answer),
};

type Refusal = (...all: unknown[]) => unknown;
/** Keeps the handlers that the shell sets, by the name of the setter. */
export class Session {
  readonly handlers: Record<string, Refusal> = {};
  setPermissionRequestHandler = (handler: Refusal) => this.#keep('request', handler);
  setPermissionCheckHandler = (handler: Refusal) => this.#keep('check', handler);
  setDevicePermissionHandler = (handler: Refusal) => this.#keep('device', handler);
  setDisplayMediaRequestHandler = (handler: Refusal) => this.#keep('display', handler);
  #keep(name: string, handler: Refusal): void {
    this.handlers[name] = handler;
  }
}
export const session = { defaultSession: new Session() };

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

/** A program of its own: what is posted to it, and what it says when the test lets it. */
export class Utility extends EventEmitter {
  pid: number | undefined;
  readonly stderr = new EventEmitter();
  readonly posted: unknown[] = [];
  killed = false;
  postMessage(message: unknown): void {
    this.posted.push(message);
  }
  kill(): void {
    this.killed = true;
  }
}
export const utilityProcess = {
  forked: [] as { entry: string; options: Record<string, unknown>; child: Utility }[],
  fork: (entry: string, _args: string[], options: Record<string, unknown>) => {
    const child = new Utility();
    utilityProcess.forked.push({ entry, options, child });
    return child;
  },
};

export const shell = { showItemInFolder: () => undefined, trashItem: async () => undefined };
