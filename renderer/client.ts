/** The one way to the studio: the contract's client over a MessagePort (Electron) or a WebSocket (`emulsion serve`). */
import { createORPCClient } from '@orpc/client';
import { RPCLink as PortLink } from '@orpc/client/message-port';
import { RPCLink as SocketLink } from '@orpc/client/websocket';
import type { Bridge, ShellMessage } from '../preload/bridge.ts';
import type { StudioClient } from '../preload/contract.ts';
import { StudioError } from '../preload/errors.ts';

declare global {
  interface Window {
    readonly studio?: Bridge;
  }
}

export interface Connection {
  readonly client: StudioClient;
  /** Resolves when the line is cut. */
  readonly closed: Promise<void>;
}

/** Name under which the preload script hands the port over (preload/bridge.ts). */
const PORT_MESSAGE = 'emulsion port';
/** Path of the WebSocket beside the page. */
const SOCKET_PATH = '/rpc';

/** Opens a line to the studio; rejects when nobody answers. */
export const connect = (): Promise<Connection> =>
  window.studio === undefined ? connectSocket() : connectPort(window.studio);

async function connectPort(bridge: Bridge): Promise<Connection> {
  const port = await new Promise<MessagePort>((resolve) => {
    const take = ({ data, source, ports }: MessageEvent) => {
      if (source !== window || data !== PORT_MESSAGE || ports[0] === undefined) return;
      window.removeEventListener('message', take);
      resolve(ports[0]);
    };
    window.addEventListener('message', take);
    bridge.connect();
  });
  const closed = new Promise<void>((resolve) => port.addEventListener('close', () => resolve()));
  const client: StudioClient = createORPCClient(new PortLink({ port }));
  port.start();
  return { client, closed };
}

function connectSocket(): Promise<Connection> {
  const { protocol, host, search } = window.location;
  const socket = new WebSocket(`${protocol === 'https:' ? 'wss' : 'ws'}://${host}${SOCKET_PATH}${search}`);
  const closed = new Promise<void>((resolve) => socket.addEventListener('close', () => resolve()));
  return new Promise((resolve, reject) => {
    socket.addEventListener('open', () => {
      const client: StudioClient = createORPCClient(new SocketLink({ websocket: socket }));
      resolve({ client, closed });
    });
    socket.addEventListener('close', () => reject(new Error('The studio does not answer.')));
  });
}

export interface Sending {
  /** Hears the share that is over there, 0 to 1. */
  readonly onProgress: (share: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Streams a file of the browser to the studio's waiting place and tells where it lies there.
 * @throws what the studio says: too large, disk full; `cancelled` when `signal` stopped it.
 */
export function sendFile(
  kind: 'model' | 'project',
  file: File,
  { onProgress, signal }: Sending,
): Promise<string> {
  const query = new URLSearchParams(window.location.search);
  query.set('name', file.name);
  // fetch says nothing of what has been sent.
  const request = new XMLHttpRequest();
  request.open('POST', `/upload/${kind}?${query}`);
  request.responseType = 'json';
  request.setRequestHeader('content-type', 'application/octet-stream');
  signal.addEventListener('abort', () => request.abort());
  request.upload.addEventListener('progress', ({ loaded }) => onProgress(loaded / file.size));
  return new Promise((resolve, reject) => {
    request.addEventListener('load', () => {
      const { status, response: told } = request;
      if (status === 200) resolve(told.path);
      else reject(new StudioError(told?.code ?? 'internal', told?.message ?? `HTTP ${status}`, told?.hint));
    });
    request.addEventListener('error', () => reject(new Error('The studio does not answer.')));
    request.addEventListener('abort', () => reject(new StudioError('cancelled', 'Stopped.', '')));
    request.send(file);
  });
}

/** Path of a dropped file where the shell may tell it (Electron), else null. */
export const pathOf = (file: File): string | null => window.studio?.pathOf(file) || null;

/** Hears the menu and files that are opened with the app; silent in a browser. */
export const onShellMessage = (listener: (message: ShellMessage) => void): void =>
  window.studio?.onMessage(listener);

/** Drags a picture out to the desktop where the shell can; false in a browser. */
export function dragOut(pictureId: number): boolean {
  window.studio?.dragOut(pictureId);
  return window.studio !== undefined;
}
