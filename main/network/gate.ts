/** The one way out of the machine: every request is asked for by the user, logged with each redirect, and stoppable by a lock. */
import { StudioError } from '../../preload/errors.ts';
import type { NetworkEntry } from '../../preload/studio.ts';
import type { ReadableDb, WritableDb } from '../storage/database.ts';

export interface GateRequest {
  readonly purpose: 'download' | 'lookup';
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface GateResponse {
  readonly response: Response;
  /** Where the redirects ended. */
  readonly url: string;
  /** Adds to the bytes of this request's log entry. */
  count(bytes: number): void;
}

export interface Gate {
  /** @throws StudioError `locked` while shut, `network` when there is no answer, `not-allowed` for an unsafe address. */
  get(url: string, request: GateRequest): Promise<GateResponse>;
  /** Logs a request that a library made by itself: the updater's. */
  note(url: string, purpose: string, outcome: string): void;
}

export interface GateOptions {
  readonly db: WritableDb;
  readonly locked: () => boolean;
  readonly now: () => number;
  readonly onEntry: (entry: NetworkEntry) => void;
  readonly version: string;
}

const MAX_REDIRECTS = 8;

export function createGate(options: GateOptions): Gate {
  const { db, onEntry, now } = options;
  const record = (url: string, purpose: string, outcome: string): ((bytes: number) => void) => {
    const time = now();
    const { id } = db.run(
      'INSERT INTO network_log (time, method, url, purpose, outcome) VALUES (?, ?, ?, ?, ?)',
      time,
      'GET',
      url,
      purpose,
      outcome,
    );
    onEntry({ id, time, method: 'GET', url, purpose, outcome, bytes: 0 });
    return (bytes) => void db.run('UPDATE network_log SET bytes = bytes + ? WHERE id = ?', bytes, id);
  };
  const hop = async (url: URL, { purpose, headers, signal }: GateRequest): Promise<GateResponse> => {
    try {
      const response = await fetch(url, {
        redirect: 'manual',
        headers: { 'user-agent': `Emulsion/${options.version}`, ...headers },
        ...(signal && { signal }),
      });
      return { response, url: url.href, count: record(url.href, purpose, String(response.status)) };
    } catch (error) {
      record(url.href, purpose, signal?.aborted ? 'stopped' : 'no answer');
      signal?.throwIfAborted();
      throw new StudioError(
        'network',
        `${url.host} does not answer.`,
        'Check the connection, then resume.',
        causeOf(error),
      );
    }
  };
  return {
    note: (url, purpose, outcome) => void record(url, purpose, outcome),
    get: async (address, request) => {
      let url = safeUrl(address);
      for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
        if (options.locked()) {
          record(url.href, request.purpose, 'refused: locked');
          throw new StudioError(
            'locked',
            `The network is locked, so ${url.host} was not asked.`,
            'Unlock the network in the settings first.',
          );
        }
        const answer = await hop(url, request);
        const target = answer.response.headers.get('location');
        if (answer.response.status < 300 || answer.response.status > 399 || target === null) return answer;
        await answer.response.body?.cancel();
        url = redirected(url, target);
      }
      throw new StudioError('network', `${url.host} redirects without end.`, 'Use another address.');
    },
  };
}

/** https, or http on this machine. */
function safeUrl(address: string): URL {
  const url = URL.parse(address);
  if (url === null)
    throw new StudioError('bad-input', `${address} is not an address.`, 'Paste the whole https:// address.');
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))) return url;
  throw new StudioError(
    'not-allowed',
    `${url.protocol}//${url.host} is not an encrypted address.`,
    'Use an https:// address.',
  );
}

/** A server elsewhere may not send us to services on this machine. */
function redirected(from: URL, location: string): URL {
  const url = safeUrl(new URL(location, from).href);
  if (!isLoopback(url) || isLoopback(from)) return url;
  throw new StudioError(
    'not-allowed',
    `${from.host} redirects to this machine (${url.host}).`,
    'Do not use this address.',
  );
}

function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return `${error}${cause === undefined ? '' : `: ${cause}`}`;
}

/** Newest first. */
export function readNetworkLog(db: ReadableDb, limit: number): NetworkEntry[] {
  return db.all(
    'SELECT id, time, method, url, purpose, outcome, bytes FROM network_log ORDER BY id DESC LIMIT ?',
    limit,
  );
}
