/** No page of ours asks for camera, location or a device; whatever asks is not ours. The one exception: copying a text. */
import type { Session } from 'electron';
import { ORIGIN } from './protocol.ts';

/** Writing text to the clipboard after a click: error details have a copy button. */
const ALLOWED = 'clipboard-sanitized-write';

export function refuseEverything(session: Session): void {
  session.setPermissionRequestHandler((_contents, permission, decide, { requestingUrl }) =>
    decide(permission === ALLOWED && isOurs(requestingUrl)),
  );
  session.setPermissionCheckHandler(
    (_contents, permission, origin) => permission === ALLOWED && isOurs(origin),
  );
  session.setDevicePermissionHandler(() => false);
  session.setDisplayMediaRequestHandler((_request, decide) => decide({}));
}

/** An origin, or an address of it. */
const isOurs = (address: string): boolean => address === ORIGIN || address.startsWith(`${ORIGIN}/`);
