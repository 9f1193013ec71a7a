/** `emulsion://studio/…`: the window's own files and the stored pictures, and nothing else of the disk. */
import { Readable } from 'node:stream';
import { ERROR_STATUS } from '../../preload/errors.ts';
import { explain } from '../app/border.ts';
import type { Services } from '../app/services.ts';
import { answerFile } from '../files/answer.ts';
import { findFile } from '../files/stored.ts';
import { findStatic } from '../files/window.ts';
import type { FileUrls } from '../storage/urls.ts';

export const SCHEME = 'emulsion';
const HOST = 'studio';
export const ORIGIN = `${SCHEME}://${HOST}`;
/** Scripts and styles of our own only; the window talks to the main process, never to a network. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export const urlsOf: FileUrls = {
  of: (kind, name) => `${ORIGIN}/files/${kind}/${encodeURIComponent(name)}`,
};

/** Answers one request of the window; anything unknown is a 404 without a word about the disk. */
export async function answer(services: Services, windowDir: string, request: Request): Promise<Response> {
  try {
    const { host, pathname } = new URL(request.url);
    if (host !== HOST || request.method !== 'GET') return new Response('Not found', { status: 404 });
    const [, area, kind, name, ...rest] = pathname.split('/');
    const stored = area === 'files' && kind !== undefined && name !== undefined && rest.length === 0;
    const file = stored
      ? await findFile(services, kind, decodeURIComponent(name))
      : await findStatic(windowDir, pathname);
    const { status, headers, body } = answerFile(
      file,
      request.headers.get('range') ?? undefined,
      request.headers.get('if-none-match') ?? undefined,
    );
    const own = stored ? {} : { 'content-security-policy': POLICY, 'cache-control': 'no-store' };
    const stream = body === null ? null : (Readable.toWeb(body) as ReadableStream<Uint8Array<ArrayBuffer>>);
    return new Response(stream, { status, headers: { ...headers, ...own } });
  } catch (error) {
    const { code, message } = explain(error);
    return new Response(message, { status: ERROR_STATUS[code] });
  }
}
