/** Who may talk to the server: this machine only, by its own name, from its own pages, with the token. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { StudioError } from '../../preload/errors.ts';

export interface GuardOptions {
  /** Random, in the URL that is printed. */
  readonly token: string;
  /** Names beside 127.0.0.1, localhost and [::1] by which a tunnel may reach us, as `host` or `host:port`. */
  readonly allowedHosts: readonly string[];
}

export interface Guard {
  /**
   * Against DNS rebinding (Host) and requests of foreign pages (Origin, Sec-Fetch-Site).
   * @throws StudioError `not-allowed`.
   */
  requireOwnOrigin(request: IncomingMessage): void;
  /** @throws StudioError `not-allowed` without the token in the query or as bearer. */
  requireToken(request: IncomingMessage): void;
  /** Key that authorises one file's URL for as long as the server runs. */
  keyOf(path: string): string;
  /** @throws StudioError `not-allowed`. */
  requireKey(path: string, key: string): void;
}

const OWN_NAMES = ['127.0.0.1', 'localhost', '[::1]'];

export function createGuard({ token, allowedHosts }: GuardOptions): Guard {
  const keyOf = (path: string) => createHmac('sha256', token).update(path).digest('base64url').slice(0, 22);
  return {
    requireOwnOrigin: (request) => {
      const { host = '', origin } = request.headers;
      const name = host.replace(/:\d+$/, '').toLowerCase();
      if (!OWN_NAMES.includes(name) && !allowedHosts.includes(name) && !allowedHosts.includes(host)) {
        throw refused(`The host name "${host.slice(0, 100)}" is not one of this server.`);
      }
      const foreign = origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`;
      const crossSite =
        request.headers['sec-fetch-site'] === 'cross-site' &&
        request.headers['sec-fetch-mode'] !== 'navigate';
      if (foreign || crossSite) throw refused('Pages of other sites may not use this server.');
    },
    requireToken: (request) => {
      const query = new URL(request.url ?? '/', 'http://localhost').searchParams.get('token');
      const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
      if (!sameText(query ?? bearer ?? '', token)) throw refused('The token is missing or wrong.');
    },
    keyOf,
    requireKey: (path, key) => {
      if (!sameText(key, keyOf(path))) throw refused('The address is not authorised.');
    },
  };
}

/** In constant time, so that a key cannot be guessed byte by byte. */
function sameText(a: string, b: string): boolean {
  const [first, second] = [Buffer.from(a), Buffer.from(b)];
  return first.length === second.length && timingSafeEqual(first, second);
}

function refused(message: string): StudioError {
  return new StudioError('not-allowed', message, 'Open the address that the studio printed when it started.');
}
