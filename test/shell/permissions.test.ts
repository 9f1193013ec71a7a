/** Every permission is denied but one: our own page may copy a text. */
import { expect, it, vi } from 'vitest';
import { refuseEverything } from '../../main/shell/permissions.ts';
import * as electron from './electron.ts';

vi.mock('electron', () => import('./electron.ts'));

const OURS = 'emulsion://studio/index.html';

it('denies camera, location, notifications, devices and screens', () => {
  const session = new electron.Session();
  refuseEverything(session as never);
  const { request, check, device, display } = session.handlers;
  const decide = vi.fn();
  for (const name of [
    'media',
    'geolocation',
    'notifications',
    'clipboard-read',
    'openExternal',
    'fullscreen',
  ]) {
    request!(null, name, decide, { requestingUrl: OURS });
    expect(check!(null, name, 'emulsion://studio'), name).toBe(false);
  }
  expect(decide.mock.calls.flat()).toEqual(Array(6).fill(false));
  expect(device!({})).toBe(false);
  const share = vi.fn();
  display!({}, share);
  expect(share).toHaveBeenCalledWith({});
});

it('lets our own page, and no other, write to the clipboard', () => {
  const session = new electron.Session();
  refuseEverything(session as never);
  const { request, check } = session.handlers;
  const allowed = (requestingUrl: string) => {
    const decide = vi.fn();
    request!(null, 'clipboard-sanitized-write', decide, { requestingUrl });
    return decide.mock.calls[0]![0];
  };
  expect(allowed(OURS)).toBe(true);
  expect(allowed('https://example.org/')).toBe(false);
  expect(allowed('emulsion://studio.example/')).toBe(false);
  expect(check!(null, 'clipboard-sanitized-write', 'emulsion://studio/')).toBe(true);
  expect(check!(null, 'clipboard-sanitized-write', 'https://example.org')).toBe(false);
});
