/** Calls about pictures, boards, projects and input images. */
import { showImage } from '../history/uploads.ts';
import { openProjectFile } from '../projects/portable.ts';
import * as store from '../projects/projects.ts';
import { emptyWaitingPlace } from '../storage/incoming.ts';
import * as calls from './calls.ts';
import { done, os } from './implementer.ts';
import type { Services } from './services.ts';

export function historyHandlers(s: Services) {
  return { history: pictureHandlers(s), projects: projectHandlers(s), images: imageHandlers(s) };
}

function pictureHandlers({ history: service }: Services) {
  const { history } = os;
  return {
    page: history.page.handler(({ input }) => service.page(input)),
    get: history.get.handler(({ input }) => service.get(input.id)),
    facets: history.facets.handler(({ input }) => service.facets(input)),
    lineage: history.lineage.handler(({ input }) => service.lineage(input.id)),
    rate: history.rate.handler(({ input }) => done(service.rate(input.ids, input.rating))),
    delete: history.delete.handler(({ input }) => done(service.setDeleted(input.ids, true))),
    restore: history.restore.handler(({ input }) => done(service.setDeleted(input.ids, false))),
    emptyBin: history.emptyBin.handler(({ input }) => ({ removed: service.emptyBin(input.deletedBefore) })),
    boards: history.boards.handler(() => service.boards()),
    createBoard: history.createBoard.handler(({ input }) => service.createBoard(input.name)),
    renameBoard: history.renameBoard.handler(({ input }) => done(service.renameBoard(input.id, input.name))),
    deleteBoard: history.deleteBoard.handler(({ input }) => done(service.deleteBoard(input.id))),
    addToBoard: history.addToBoard.handler(({ input }) => done(service.addToBoard(input.boardId, input.ids))),
    removeFromBoard: history.removeFromBoard.handler(({ input }) =>
      done(service.removeFromBoard(input.boardId, input.ids)),
    ),
    export: history.export.handler(async ({ input }) => ({ files: await service.export(input) })),
    import: history.import.handler(({ input, signal }) => service.import(input.paths, signal)),
    readSettings: history.readSettings.handler(({ input }) => service.readSettings(input.image)),
    keep: history.keep.handler(({ input }) => service.keep(input.image, input.parents)),
  };
}

function projectHandlers(s: Services) {
  const { db, places } = s;
  const { urls, now } = places;
  const { projects } = os;
  const open = (id: number) => store.openProject(db, urls, id);
  return {
    list: projects.list.handler(() => store.listProjects(db, urls)),
    create: projects.create.handler(({ input }) =>
      open(store.createProject(db, input.name, input.width, input.height, now())),
    ),
    open: projects.open.handler(({ input }) => open(input.id)),
    rename: projects.rename.handler(({ input }) => done(store.renameProject(db, input.id, input.name))),
    append: projects.append.handler(({ input }) => ({
      cursor: store.appendActions(db, input.id, input.after, input.actions, now()),
    })),
    setCursor: projects.setCursor.handler(({ input }) =>
      done(store.setCursor(db, input.id, input.cursor, now())),
    ),
    snapshot: projects.snapshot.handler(({ input }) =>
      done(store.saveSnapshot(db, input.id, input.seq, input.document, input.thumbnail?.sha256 ?? null)),
    ),
    delete: projects.delete.handler(({ input }) => done(store.setProjectDeleted(db, input.id, now()))),
    restore: projects.restore.handler(({ input }) => done(store.setProjectDeleted(db, input.id, null))),
    saveFile: projects.saveFile.handler(({ input }) => calls.saveProject(s, input.id, input.path)),
    openFile: projects.openFile.handler(async ({ input }) => {
      try {
        return open(await openProjectFile(places, input.path));
      } finally {
        await emptyWaitingPlace(s.folder.outbox, input.path);
      }
    }),
  };
}

function imageHandlers(s: Services) {
  const { images } = os;
  return {
    upload: images.upload.handler(({ input }) => calls.upload(s, input.file)),
    get: images.get.handler(({ input }) => showImage(s.places, input.image)),
    preprocessors: images.preprocessors.handler(() => calls.preprocessors(s)),
    hint: images.hint.handler(({ input }) => calls.hint(s, input)),
  };
}
