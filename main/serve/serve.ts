/** `emulsion serve`: the studio in a browser on this machine, the same contract over a WebSocket. */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { StudioError } from '../../preload/errors.ts';
import { queryText } from '../app/border.ts';
import { createRouter } from '../app/handlers.ts';
import { createServices, type ServiceOptions, type Services } from '../app/services.ts';
import { type Channel, createTransport } from '../app/transport.ts';
import { addA1111Api } from '../compat/a1111/a1111.ts';
import { addComfyApi } from '../compat/comfy/comfy.ts';
import { answerFile } from '../files/answer.ts';
import { findFile } from '../files/stored.ts';
import { defaultWindowDir, findStatic } from '../files/window.ts';
import { moveToSystemBin } from './bin.ts';
import { refuseUnread, sendError } from './errors.ts';
import { createGuard, type Guard } from './guard.ts';
import { receiveUpload } from './uploads.ts';

export interface ServerOptions extends Omit<ServiceOptions, 'urls' | 'shell'> {
  /** 0 = any free one. */
  readonly port?: number;
  readonly token?: string;
  readonly allowedHosts?: readonly string[];
  /** Folder of the built window; by default out/renderer. */
  readonly windowDir?: string;
  /** A1111's and ComfyUI's HTTP interfaces for other programs on this machine, which know no token. On by default. */
  readonly api?: boolean;
  readonly moveToBin?: (path: string) => Promise<void>;
}

export interface Server {
  /** With the token: whoever has it may do everything. */
  readonly url: string;
  readonly token: string;
  readonly services: Services;
  close(): Promise<void>;
}

/** A WebSocket message at most: an upload of the largest picture. */
const MAX_MESSAGE = 160 * 2 ** 20;
/** Bytes that a client may leave unread: one that has stopped would otherwise fill the memory. Its window connects anew. */
const MAX_UNREAD = 256 * 2 ** 20;
const MAX_BODY = 160 * 2 ** 20;
/** Characters of a file's name in an address, as files/stored.ts has it; Fastify's own limit is shorter than what file systems allow. */
const MAX_NAME = 300;

/** Starts the studio and its server on 127.0.0.1. @throws StudioError when folder or port are taken. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const token = options.token ?? randomBytes(24).toString('base64url');
  const guard = createGuard({ token, allowedHosts: options.allowedHosts ?? [] });
  const urls = {
    of: (kind: string, name: string) => {
      const path = `/files/${kind}/${encodeURIComponent(name)}`;
      return `${path}?key=${guard.keyOf(path)}`;
    },
  };
  const shell = { ...BROWSER_SHELL, moveToBin: options.moveToBin ?? moveToSystemBin };
  const services = await createServices({ ...options, urls, shell });
  try {
    const app = createApp();
    addRoutes(app, services, guard, options.windowDir ?? defaultWindowDir());
    const sockets = new Map<string, (socket: WebSocket, request: IncomingMessage) => void>();
    const transport = createTransport(createRouter(services));
    sockets.set('/rpc', (socket) => transport.connect(socketChannel(socket)));
    if (options.api !== false) {
      addA1111Api(app, services);
      sockets.set('/ws', addComfyApi(app, services));
    }
    const closeSockets = acceptSockets(app, guard, sockets);
    await listen(app, options.port ?? 0);
    const { port } = app.server.address() as AddressInfo;
    return {
      ...{ url: `http://127.0.0.1:${port}/?token=${token}`, token, services },
      close: async () => {
        closeSockets();
        await app.close();
        await services.close();
      },
    };
  } catch (error) {
    await services.close();
    throw error;
  }
}

/** Whatever Fastify refuses by itself is answered in our form too. */
function createApp(): FastifyInstance {
  return Fastify({
    bodyLimit: MAX_BODY,
    forceCloseConnections: true,
    frameworkErrors: (error, _request, reply) => void sendError(reply, error),
    clientErrorHandler: refuseUnread,
    routerOptions: { maxParamLength: MAX_NAME },
  });
}

const BROWSER_SHELL = {
  kind: 'serve' as const,
  pick: () =>
    Promise.reject(
      new StudioError(
        'not-allowed',
        'A browser cannot open the system’s file dialog here.',
        'Drop the files in, or type a path.',
      ),
    ),
  reveal: () =>
    Promise.reject(
      new StudioError('not-allowed', 'A browser cannot open folders.', 'The path is shown beside the file.'),
    ),
};

async function listen(app: FastifyInstance, port: number): Promise<void> {
  await app.listen({ host: '127.0.0.1', port }).catch((error: unknown) => {
    const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    if (!taken) throw error;
    throw new StudioError(
      'conflict',
      `Port ${port} is in use.`,
      'Choose another one with --port, or leave it out.',
    );
  });
}

function addRoutes(app: FastifyInstance, services: Services, guard: Guard, windowDir: string): void {
  app.addHook('onRequest', async (request) => guard.requireOwnOrigin(request.raw));
  app.setErrorHandler((error, _request, reply) => sendError(reply, error));
  app.setNotFoundHandler((_request, reply) =>
    sendError(
      reply,
      new StudioError('not-found', 'There is no such page.', 'Open the address that was printed.'),
    ),
  );
  // Uploads are streamed, never parsed.
  app.addContentTypeParser('application/octet-stream', (_request, _payload, done) => done(null));
  app.get<{ Params: { kind: string; name: string }; Querystring: Record<string, unknown> }>(
    '/files/:kind/:name',
    async (request, reply) => {
      guard.requireKey(request.url.split('?')[0] ?? '', queryText(request.query['key']));
      const file = await findFile(services, request.params.kind, request.params.name);
      return sendFile(reply, file, request.headers.range, request.headers['if-none-match']);
    },
  );
  app.post<{ Params: { kind: string }; Querystring: Record<string, unknown> }>(
    '/upload/:kind',
    { bodyLimit: Number.MAX_SAFE_INTEGER },
    async (request) => {
      guard.requireToken(request.raw);
      return receiveUpload(
        services,
        request.params.kind,
        queryText(request.query['name']) || 'upload',
        request.raw,
      );
    },
  );
  app.get('/*', async (request, reply) => {
    const file = await findStatic(windowDir, request.url.split('?')[0] ?? '/');
    const isPage = file.type.startsWith('text/html');
    reply.header('content-security-policy', isPage ? WINDOW_POLICY : "default-src 'none'");
    reply.header('cache-control', isPage ? 'no-store' : 'private, max-age=3600');
    reply.header('referrer-policy', 'no-referrer').header('x-frame-options', 'DENY');
    return sendFile(reply, file, request.headers.range, request.headers['if-none-match']);
  });
}

const WINDOW_POLICY =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: data: blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

function sendFile(
  reply: FastifyReply,
  file: Parameters<typeof answerFile>[0],
  range: string | undefined,
  match: string | undefined,
) {
  const { status, headers, body } = answerFile(file, range, match);
  for (const [name, value] of Object.entries(headers)) if (!reply.hasHeader(name)) reply.header(name, value);
  return reply.code(status).send(body ?? '');
}

/** Accepts WebSockets on the given paths; `/rpc` asks for the token. @returns what closes them all. */
function acceptSockets(
  app: FastifyInstance,
  guard: Guard,
  paths: ReadonlyMap<string, (socket: WebSocket, request: IncomingMessage) => void>,
): () => void {
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE });
  app.server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    // Without a listener a client that resets its connection while it is refused would end the process.
    stream.on('error', () => stream.destroy());
    const path = URL.parse(request.url ?? '/', 'http://localhost')?.pathname ?? '/';
    const accept = paths.get(path);
    try {
      guard.requireOwnOrigin(request);
      if (path === '/rpc') guard.requireToken(request);
      if (accept === undefined) throw new StudioError('not-found', 'There is no such socket.', 'Use /rpc.');
    } catch {
      stream.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
      return;
    }
    server.handleUpgrade(request, stream, head, (socket) => accept?.(socket, request));
  });
  return () => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  };
}

function socketChannel(socket: WebSocket): Channel {
  return {
    send: (data) => {
      socket.send(data);
      if (socket.bufferedAmount > MAX_UNREAD) socket.terminate();
    },
    onMessage: (listener) =>
      void socket.on('message', (data: RawData, isBinary: boolean) =>
        listener(isBinary ? bytesOf(data) : data.toString()),
      ),
    onClose: (listener) => {
      socket.on('close', listener);
      // Without a listener an oversized message would end the process.
      socket.on('error', () => socket.terminate());
    },
  };
}

function bytesOf(data: RawData): Uint8Array {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return Array.isArray(data) ? Buffer.concat(data) : data;
}
