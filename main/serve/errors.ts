/** Failures over HTTP as {code, message, hint, detail}: ours, Fastify's, and those of Node's own parser. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply } from 'fastify';
import { ERROR_STATUS, StudioError, type StudioErrorData } from '../../preload/errors.ts';
import { explain } from '../app/border.ts';

/** Never with a stack. */
export function sendError(reply: FastifyReply, error: unknown): FastifyReply {
  const told = refusal(error) ?? explain(error);
  return reply.code(ERROR_STATUS[told.code]).type('application/json').send(bodyOf(told));
}

/** `detail` is where A1111's clients look for the reason. */
function bodyOf({ code, message, hint }: StudioErrorData) {
  return { code, message, hint, detail: message };
}

const CORRECT = 'Correct the request, then send it again.';

/** Fastify's own refusals, by their status: the caller's mistakes, not ours. */
function refusal(error: unknown): StudioErrorData | undefined {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (!(error instanceof Error) || status < 400 || status >= 500) return undefined;
  return { code: status === 413 ? 'too-large' : 'bad-input', message: error.message, hint: CORRECT };
}

/** Node's codes for what never became a request, with the status they are answered with. */
const UNREAD: Readonly<Record<string, readonly [status: number, message: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not arrive in time.'],
  HPE_HEADER_OVERFLOW: [431, 'The headers of the request are too long.'],
};

/** Answers what is no HTTP, then ends the connection: where a request would have begun is anyone's guess. */
export function refuseUnread(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const [status, message] = UNREAD[error.code ?? ''] ?? [400, 'This is no HTTP request.'];
  const body = JSON.stringify(bodyOf(new StudioError('bad-input', message, CORRECT).toData()));
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  if (socket.writable) socket.write(head + body);
  socket.destroy();
}
