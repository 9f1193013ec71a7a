/** The only thing the page gets from Electron: a port that carries the contract, dropped files' paths, and the menu's wishes. */
import { contextBridge, ipcRenderer, webUtils } from 'electron';

/** What the shell tells the page. */
export type ShellMessage =
  | { readonly type: 'command'; readonly command: string }
  | { readonly type: 'open'; readonly path: string };

/** Shape of `window.studio`. */
export interface Bridge {
  /** Asks for a port; it arrives as a message of the window, named PORT_MESSAGE. */
  readonly connect: () => void;
  /** Path on disk of a dropped file; empty when it has none. */
  readonly pathOf: (file: File) => string;
  /** Starts dragging a picture of the history out of the window. */
  readonly dragOut: (pictureId: number) => void;
  readonly onMessage: (listener: (message: ShellMessage) => void) => void;
}

/** Name of the window message that carries the port: ports cannot cross the bridge themselves. */
const PORT_MESSAGE = 'emulsion port';

const bridge: Bridge = {
  connect: () => ipcRenderer.send('connect'),
  pathOf: (file) => webUtils.getPathForFile(file),
  dragOut: (pictureId) => ipcRenderer.send('drag out', pictureId),
  onMessage: (listener) => void ipcRenderer.on('shell', (_event, message: ShellMessage) => listener(message)),
};

/** The page's own window, of which this needs two things (the main process is typed without the browser's names). */
const page = globalThis as unknown as {
  readonly location: { readonly origin: string };
  postMessage(message: string, origin: string, transfer: readonly unknown[]): void;
};

ipcRenderer.on('port', ({ ports }) => page.postMessage(PORT_MESSAGE, page.location.origin, ports));
contextBridge.exposeInMainWorld('studio', bridge);
