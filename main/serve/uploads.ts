/** Streamed uploads of a browser: pictures into the store, models and projects to a waiting place from where they are taken in. */
import { createWriteStream } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { MAX_IMAGE_BYTES } from '../../preload/contract.ts';
import { StudioError } from '../../preload/errors.ts';
import type { StoredImage } from '../../preload/studio.ts';
import type { Services } from '../app/services.ts';
import { storeUpload } from '../history/uploads.ts';
import { requireSpace } from '../library/importing.ts';
import { safeName } from '../network/sources.ts';
import { diskError } from '../storage/fileStore.ts';
import { waitingPlace } from '../storage/incoming.ts';

/** Largest upload by kind, in bytes. */
const LIMITS = { picture: MAX_IMAGE_BYTES, project: 8 * 2 ** 30, model: 64 * 2 ** 30 } as const;
type Kind = keyof typeof LIMITS;

/** `path` of a model or project is what models.import (how: move) or projects.openFile takes next. */
export type Uploaded = { readonly image: StoredImage } | { readonly path: string };

/** @throws StudioError `bad-input`, `too-large`, `disk-full`; nothing is left of an upload that fails. */
export async function receiveUpload(
  s: Services,
  kind: string,
  name: string,
  request: IncomingMessage,
): Promise<Uploaded> {
  if (!Object.hasOwn(LIMITS, kind))
    throw new StudioError(
      'bad-input',
      `There is no upload of the kind "${kind.slice(0, 40)}".`,
      'Use picture, model or project.',
    );
  const limit = LIMITS[kind as Kind];
  const announced = Number(request.headers['content-length'] ?? Number.NaN);
  if (announced > limit) throw tooLarge(name, limit);
  const folder = await waitingPlace(s.folder.outbox);
  const path = join(folder, safeName(name));
  try {
    if (Number.isFinite(announced)) await requireSpace(folder, announced);
    await pipeline(request, limited(limit, name), createWriteStream(path, { flags: 'wx' }));
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw diskError(error, path);
  }
  if (kind === 'model') await refuseBroken(s, folder, path);
  if (kind !== 'picture') return { path };
  try {
    return { image: await storeUpload(s.places, await readFile(path), name) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A web page under a model's name, a download that broke off: said at once, and not kept. */
async function refuseBroken({ library }: Services, folder: string, path: string): Promise<void> {
  const { state, reason } = library.inspect(path);
  if (state !== 'broken') return;
  await rm(folder, { recursive: true, force: true });
  throw new StudioError('bad-input', reason, 'Nothing was added to the library.');
}

/** Passes bytes on until there are more than allowed. */
function limited(limit: number, name: string): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, next) {
      bytes += chunk.length;
      if (bytes > limit) next(tooLarge(name, limit));
      else next(null, chunk);
    },
  });
}

function tooLarge(name: string, limit: number): StudioError {
  return new StudioError(
    'too-large',
    `${safeName(name)} is larger than ${Math.floor(limit / 2 ** 20)} MiB.`,
    'Make it smaller, or copy it to the machine.',
  );
}
