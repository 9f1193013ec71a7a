/** Where uploads wait until they are taken in: one folder each below the outbox, all of which are emptied at the next start. */
import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';

const PREFIX = 'incoming-';

/** A new folder for one upload. */
export async function waitingPlace(outbox: string): Promise<string> {
  const folder = join(outbox, `${PREFIX}${randomBytes(8).toString('hex')}`);
  await mkdir(folder, { recursive: true });
  return folder;
}

/** The upload at `path` has been taken in. A file that lies anywhere else is left alone. */
export async function emptyWaitingPlace(outbox: string, path: string): Promise<void> {
  const [place = '', file] = relative(resolve(outbox), resolve(path)).split(sep);
  if (place.startsWith(PREFIX) && file !== undefined)
    await rm(join(outbox, place), { recursive: true, force: true });
}
