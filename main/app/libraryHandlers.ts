/** Calls about models and downloads. */
import * as cards from '../library/cards.ts';
import { writeSidecar } from '../library/sidecars.ts';
import { lookUpModel } from '../network/civitai.ts';
import * as calls from './calls.ts';
import { clearCache, diskUse } from './diskUse.ts';
import { done, os } from './implementer.ts';
import type { Services } from './services.ts';

export function libraryHandlers(s: Services) {
  return { models: modelHandlers(s), downloads: downloadHandlers(s) };
}

function modelHandlers(s: Services) {
  const { db, library, places } = s;
  const { urls } = places;
  const { models } = os;
  return {
    list: models.list.handler(({ input }) => cards.listCards(db, urls, input)),
    get: models.get.handler(({ input }) => cards.readDetail(db, urls, input.id)),
    facets: models.facets.handler(() => cards.readModelFacets(db)),
    update: models.update.handler(({ input }) => calls.updateModel(s, input.id, input.patch)),
    setPreview: models.setPreview.handler(({ input }) => calls.setPreview(s, input.id, input.preview)),
    folders: models.folders.handler(() => library.folders()),
    addFolder: models.addFolder.handler(({ input, signal }) =>
      library.addFolder(input.path, input.layout, signal),
    ),
    removeFolder: models.removeFolder.handler(({ input }) => done(library.removeFolder(input.id))),
    rescan: models.rescan.handler(({ input, signal }) => library.rescan(input.folderId, signal)),
    inspect: models.inspect.handler(({ input }) => library.inspect(input.path)),
    import: models.import.handler(({ input }) => library.import(input.path, input.how, input.type)),
    delete: models.delete.handler(async ({ input }) => done(await library.delete(input.id))),
    duplicates: models.duplicates.handler(() => library.duplicates()),
    unused: models.unused.handler(({ input }) => library.unused(input.since)),
    diskUse: models.diskUse.handler(() => diskUse(s)),
    clearCache: models.clearCache.handler(({ input }) => clearCache(s, input.kind)),
    writeSidecars: models.writeSidecars.handler(({ input }) => ({
      files: [writeSidecar(cards.readCard(db, urls, input.id))],
    })),
    lookUp: models.lookUp.handler(async ({ input }) => {
      await lookUpModel(db, s.gate, s.hosts, input.id);
      return cards.readDetail(db, urls, input.id);
    }),
  };
}

function downloadHandlers({ downloads: service }: Services) {
  const { downloads } = os;
  return {
    list: downloads.list.handler(() => service.list()),
    start: downloads.start.handler(({ input }) => service.start(input.source, input.sha256, input.type)),
    pause: downloads.pause.handler(({ input }) => service.pause(input.id)),
    resume: downloads.resume.handler(({ input }) => service.resume(input.id)),
    cancel: downloads.cancel.handler(async ({ input }) => done(await service.cancel(input.id))),
  };
}
