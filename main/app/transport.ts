/** Carries the contract over any channel of messages: a WebSocket, Electron's MessagePort, a Node MessagePort. */
import { RPCHandler } from '@orpc/server/ws';
import { z } from 'zod';
import { explainErrors } from './border.ts';
import type { createRouter } from './handlers.ts';

export type Router = ReturnType<typeof createRouter>;

/** One end of a message channel. Text and binary messages arrive as string and Uint8Array or ArrayBuffer. */
export interface Channel {
  send(data: string | Uint8Array): void;
  onMessage(listener: (data: unknown) => void): void;
  onClose(listener: () => void): void;
}

export function createTransport(router: Router): { connect(channel: Channel): void } {
  const handler = new RPCHandler(router, { clientInterceptors: [explainErrors] });
  return {
    connect: (channel) => {
      const send = (data: string | Uint8Array) => channel.send(data);
      void handler.upgrade({
        send: send as WebSocket['send'],
        addEventListener: listenerOf(channel) as never,
      });
    },
  };
}

type Listener = (event: { data: string | ArrayBuffer | Uint8Array }) => void;

/** Only well-formed frames reach oRPC; the others are answered here. */
function listenerOf(channel: Channel) {
  return (type: 'message' | 'close', listener: Listener) => {
    if (type === 'close') channel.onClose(() => listener({ data: '' }));
    else {
      channel.onMessage((data) => {
        const fault = frameFault(data);
        if (fault === null) listener({ data: data as string });
        else channel.send(refusal(fault));
      });
    }
  };
}

/** The frame of oRPC's peer protocol: id, type (1 request, 3 event, 4 abort), payload with url, headers, method, body. */
const frameSchema = z.object({
  i: z.string().max(100),
  t: z.union([z.literal(1), z.literal(3), z.literal(4)]).optional(),
  p: z
    .object({
      u: z.string().max(2000).startsWith('/').optional(),
      h: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
      m: z.string().max(20).optional(),
    })
    .optional(),
});
const BINARY_MARK = 0xff;

interface Fault {
  readonly id: string;
  readonly reason: string;
}

function frameFault(data: unknown): Fault | null {
  const text = jsonPart(data);
  if (text === null) return { id: '', reason: 'a message must be text or bytes' };
  try {
    const json: unknown = JSON.parse(text);
    const frame = frameSchema.safeParse(json);
    const id = z.object({ i: z.string().max(100) }).safeParse(json).data?.i ?? '';
    if (!frame.success)
      return { id, reason: `${frame.error.issues[0]?.path.join('.')}: ${frame.error.issues[0]?.message}` };
    const isRequest = (frame.data.t ?? 1) === 1;
    return isRequest && frame.data.p?.u === undefined ? { id, reason: 'a request names a call' } : null;
  } catch {
    return { id: '', reason: 'a message must begin with JSON' };
  }
}

function jsonPart(data: unknown): string | null {
  if (typeof data === 'string') return data;
  const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : data;
  if (!(bytes instanceof Uint8Array)) return null;
  const end = bytes.indexOf(BINARY_MARK);
  return new TextDecoder().decode(end === -1 ? bytes : bytes.subarray(0, end));
}

function refusal({ id, reason }: Fault): string {
  const error = {
    defined: true,
    code: 'bad-input',
    status: 400,
    message: `Not a message of the studio: ${reason}.`,
    data: { hint: 'Restart the window.' },
  };
  return JSON.stringify({ i: id, p: { s: 400, b: { json: error } } });
}

/** The Electron side's channel, and that of tests: a MessagePort of Node or Electron's MessagePortMain. */
export function portChannel(port: {
  postMessage(data: unknown): void;
  on(event: 'message' | 'close', listener: (data: unknown) => void): unknown;
}): Channel {
  return {
    send: (data) => port.postMessage(data),
    // MessagePortMain hands over an event with `data`, Node's MessagePort the data itself.
    onMessage: (listener) =>
      void port.on('message', (event) => listener(isEvent(event) ? event.data : event)),
    onClose: (listener) => void port.on('close', () => listener()),
  };
}

function isEvent(value: unknown): value is { data: unknown } {
  return typeof value === 'object' && value !== null && 'data' in value && !(value instanceof Uint8Array);
}
