/** Fetches one file: resumes, never trusts the length told, refuses web pages, checks the sha256, ends with an atomic rename. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { StudioError } from '../../preload/errors.ts';
import { requireSpace } from '../library/importing.ts';
import { diskError } from '../storage/fileStore.ts';
import type { Gate, GateResponse } from './gate.ts';

export interface Transfer {
  readonly url: string;
  /** Where the file will be; until then it lies beside under `.part`. */
  readonly target: string;
  readonly sha256: string | null;
  /** Version of the file whose beginning lies under `.part`; resumes that one only. */
  readonly etag: string | null;
}

export interface TransferProgress {
  readonly bytes: number;
  readonly totalBytes: number | null;
  readonly etag: string | null;
}

export interface TransferOptions {
  readonly onProgress: (progress: TransferProgress) => void;
  readonly signal: AbortSignal;
  /** Waits this long after the first cut, then twice as long. */
  readonly retryMs?: number;
}

/** In a row without a byte more: a line that is cut again and again gets there in the end. */
const ATTEMPTS = 5;
const RETRY_MS = 1000;

/** @throws StudioError saying what the server did; what was fetched stays for a resume unless it is proved wrong. */
export async function transferFile(gate: Gate, transfer: Transfer, options: TransferOptions): Promise<void> {
  const part = `${transfer.target}.part`;
  let etag = transfer.etag;
  const onProgress = (progress: TransferProgress): void => {
    etag = progress.etag;
    options.onProgress(progress);
  };
  for (let attempt = 1; ; attempt++) {
    const before = await sizeOf(part);
    try {
      await fetchRest(gate, { ...transfer, etag }, part, { ...options, onProgress });
      break;
    } catch (error) {
      const cut = error instanceof StudioError && error.code === 'network' && error.hint === RESUME;
      if ((await sizeOf(part)) > before) attempt = 1;
      if (!cut || attempt === ATTEMPTS) throw error;
      await wait((options.retryMs ?? RETRY_MS) * 2 ** (attempt - 1), undefined, { signal: options.signal });
    }
  }
  await checkSum(part, transfer);
  await rename(part, transfer.target);
}

const RESUME = 'Resume the download.';

/** One connection. */
async function fetchRest(
  gate: Gate,
  transfer: Transfer,
  part: string,
  options: TransferOptions,
): Promise<void> {
  const { signal } = options;
  const have = await sizeOf(part);
  const resume = have > 0 && transfer.etag !== null;
  const headers = resume ? { range: `bytes=${have}-`, 'if-range': transfer.etag ?? '' } : {};
  const answer = await gate.get(transfer.url, { purpose: 'download', headers, signal });
  const { response } = answer;
  const complete =
    response.status === 416 && Number(response.headers.get('content-range')?.split('/')[1]) === have;
  if (complete) return;
  await requireFile(answer);
  const start = response.status === 206 ? have : 0;
  const announced = lengthOf(response);
  const total = announced === null ? null : start + announced;
  if (total !== null) await requireSpace(dirname(part), total - start);
  const etag = response.headers.get('etag') ?? response.headers.get('last-modified');
  const bytes = await writeBody(
    answer,
    part,
    start,
    total,
    (done) => options.onProgress({ bytes: done, totalBytes: total, etag }),
    signal,
  );
  if (total !== null && bytes < total) {
    throw new StudioError('network', `The connection was cut after ${bytes} of ${total} bytes.`, RESUME);
  }
}

/** Status and type must be those of a file. */
async function requireFile({ response, url }: GateResponse): Promise<void> {
  const { status, headers } = response;
  const type = headers.get('content-type') ?? '';
  if ((status === 200 || status === 206) && !/^(text\/html|application\/xhtml)/i.test(type)) return;
  await response.body?.cancel();
  if (status === 401 || status === 403) {
    throw new StudioError(
      'network',
      `${url} asks for a log-in.`,
      'Download it in the browser, then drop the file here.',
    );
  }
  if (status === 404 || status === 410)
    throw new StudioError('not-found', `${url} does not exist.`, 'Check the address.');
  if (status >= 400)
    throw new StudioError('network', `${url} answers with error ${status}.`, 'Try again later.');
  throw new StudioError(
    'bad-input',
    `${url} is a web page, not a file.`,
    'Use the address of the download button.',
  );
}

/** Of the body; null when it is compressed on the way or not told. */
function lengthOf({ headers }: Response): number | null {
  const text = headers.get('content-length');
  if (text === null || headers.get('content-encoding') !== null) return null;
  const length = Number(text);
  return Number.isSafeInteger(length) && length >= 0 ? length : null;
}

async function writeBody(
  { response, count }: GateResponse,
  part: string,
  start: number,
  total: number | null,
  onBytes: (done: number) => void,
  signal: AbortSignal,
): Promise<number> {
  const file = await open(part, start > 0 ? 'r+' : 'w');
  let done = start;
  try {
    for await (const chunk of bodyOf(response)) {
      signal.throwIfAborted();
      if (total !== null && done + chunk.length > total) throw tooLong(total);
      await writeAt(file, chunk, done, part);
      done += chunk.length;
      count(chunk.length);
      onBytes(done);
    }
    await file.sync();
    return done;
  } finally {
    await file.close();
  }
}

/** A body that breaks off counts as cut, whatever the runtime calls it. */
async function* bodyOf({ body }: Response): AsyncGenerator<Uint8Array> {
  try {
    if (body !== null) yield* body;
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') throw error;
    throw new StudioError('network', 'The connection was cut.', RESUME, String(error));
  }
}

async function writeAt(file: FileHandle, chunk: Uint8Array, offset: number, path: string): Promise<void> {
  try {
    for (let done = 0; done < chunk.length; ) {
      const { bytesWritten } = await file.write(chunk, done, chunk.length - done, offset + done);
      done += bytesWritten;
    }
  } catch (error) {
    throw diskError(error, path);
  }
}

function tooLong(total: number): StudioError {
  return new StudioError(
    'network',
    `The server sends more than the ${total} bytes it announced.`,
    'Do not trust this source; use another one.',
  );
}

/** A wrong file is removed: going on from it could not make it right. */
async function checkSum(part: string, { sha256, target }: Transfer): Promise<void> {
  if (sha256 === null) return;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(part, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  if (hash.digest('hex') === sha256.toLowerCase()) return;
  await rm(part, { force: true });
  throw new StudioError(
    'bad-input',
    `${basename(target)} does not have the expected sha256.`,
    'Check the sum, or download from another place.',
  );
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
