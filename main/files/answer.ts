/** A file over HTTP: whole, in part, or unchanged since it was asked for last. */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { StudioError } from '../../preload/errors.ts';
import { noFile, type ServedFile } from './within.ts';

export interface FileAnswer {
  readonly status: 200 | 206 | 304 | 416;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable | null;
}

/** Status, headers and body for a request with these Range and If-None-Match headers. One range is answered; of several, all. */
export function answerFile(
  file: ServedFile,
  range: string | undefined,
  ifNoneMatch: string | undefined,
): FileAnswer {
  const etag = `"${file.size.toString(36)}-${Math.round(file.modified).toString(36)}"`;
  const headers = {
    etag,
    'content-type': file.type,
    'accept-ranges': 'bytes',
    'cache-control': 'private, max-age=31536000, immutable',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "sandbox; default-src 'none'",
    ...(file.downloadName !== undefined && {
      'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(file.downloadName)}`,
    }),
  };
  if (ifNoneMatch === etag) return { status: 304, headers, body: null };
  const part = rangeOf(range, file.size);
  if (part === 'impossible')
    return { status: 416, headers: { ...headers, 'content-range': `bytes */${file.size}` }, body: null };
  if (part === null)
    return {
      status: 200,
      headers: { ...headers, 'content-length': String(file.size) },
      body: Readable.from(bytesOf(file.path, 0, file.size), { objectMode: false }),
    };
  const [start, end] = part;
  return {
    status: 206,
    headers: {
      ...headers,
      'content-length': String(end - start + 1),
      'content-range': `bytes ${start}-${end}/${file.size}`,
    },
    body: Readable.from(bytesOf(file.path, start, end - start + 1), { objectMode: false }),
  };
}

/** First and last byte, null for the whole file (RFC 9110 §14.1.2). */
function rangeOf(header: string | undefined, size: number): readonly [number, number] | 'impossible' | null {
  const [match, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (match === undefined || (first === '' && last === '')) return null;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return start > end || start >= size ? 'impossible' : [start, end];
}

/**
 * Just as many bytes as were announced: a file may grow, shrink or go while it is read.
 * @throws StudioError where there are fewer, so that the answer breaks off instead of leaving its reader waiting.
 */
async function* bytesOf(path: string, start: number, length: number): AsyncGenerator<Buffer> {
  if (length === 0) return;
  let left = length;
  try {
    for await (const chunk of createReadStream(path, { start, end: start + length - 1 })) {
      left -= chunk.length;
      yield chunk;
    }
  } catch (error) {
    throw left === length ? noFile() : error;
  }
  if (left > 0)
    throw new StudioError('file-changed', 'The file was changed while it was read.', 'Reload it.');
}
