/** The history as a service: every change goes through here, so that index, listeners and database agree. */

import type { ReportTrouble } from '../../preload/errors.ts';
import type * as api from '../../preload/history.ts';
import type { Picture, PictureDetail } from '../../preload/history.ts';
import type { ImageRef } from '../../preload/request.ts';
import type { StudioEvent } from '../../preload/studio.ts';
import { readImageMetadata } from '../images/metadata/read.ts';
import { removePictures } from '../storage/fileStore.ts';
import * as boards from './boards.ts';
import type { Embedder } from './embedder.ts';
import { exportPictures } from './exporting.ts';
import { adoptPicture, importAll, missingModels, settingsText, withLibraryModels } from './importing.ts';
import { PictureIndex } from './pictureIndex.ts';
import * as pictures from './pictures.ts';
import { findPictures, matchingSlots, readFacets } from './query.ts';
import { type FinishedPicture, keepPicture, savePicture } from './saving.ts';
import { type ImagePlaces, imagePath, readImageFile } from './uploads.ts';

export interface HistoryOptions {
  readonly places: ImagePlaces;
  readonly outbox: string;
  readonly emit: (event: StudioEvent) => void;
  readonly embedder: Embedder;
  readonly report: ReportTrouble;
}

const NOT_ADOPTED = {
  message: 'A picture that was being saved when the studio ended is not in the history.',
  hint: 'It lies in the pictures folder; start the studio again to have it read again.',
} as const;

export class History {
  readonly #places: ImagePlaces;
  readonly #options: HistoryOptions;
  readonly #index: PictureIndex;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#places = options.places;
    this.#index = new PictureIndex(options.places.db);
  }

  /** A page by filter and order, or by likeness to a text or picture. */
  async page(query: api.HistoryQuery): Promise<api.HistoryPage> {
    const { db, urls } = this.#places;
    const { ids, total } =
      query.meaning === undefined && query.like === undefined
        ? findPictures(db, this.#index, query)
        : await this.#pageByMeaning(query);
    return { items: pictures.readPictures(db, urls, ids), total };
  }

  async #pageByMeaning(query: api.HistoryQuery): Promise<{ ids: number[]; total: number }> {
    const { embedder } = this.#options;
    const vector =
      query.like === undefined
        ? await embedder.ofText(query.meaning ?? '')
        : await embedder.ofPicture(query.like);
    const { id } = this.#index.columns;
    const allowed = new Set<number>();
    for (const slot of matchingSlots(this.#places.db, this.#index, query)) allowed.add(id[slot]!);
    const found = embedder.index.search(vector, query.offset + query.limit, (picture) =>
      allowed.has(picture),
    );
    const indexed = embedder.index;
    const total = [...allowed].reduce((count, picture) => count + (indexed.has(picture) ? 1 : 0), 0);
    return { ids: found.slice(query.offset).map((match) => match.id), total };
  }

  facets(filter: api.HistoryFilter): api.HistoryFacets {
    return readFacets(this.#places.db, this.#index, filter);
  }

  get(id: number): PictureDetail {
    return pictures.readPicture(this.#places, id);
  }

  lineage(id: number) {
    return pictures.readLineage(this.#places.db, this.#places.urls, id);
  }

  /** Saves a finished picture of a job. Durable when it resolves. */
  async save(picture: FinishedPicture): Promise<Picture> {
    return this.#added(await savePicture(this.#places, picture));
  }

  /** Takes a picture that the canvas flattened into the history. */
  async keep(image: ImageRef, parents: readonly number[]): Promise<Picture> {
    return this.#added(await keepPicture(this.#places, image, parents));
  }

  /** Records pictures that lie in the pictures folder without a record. @returns how many. */
  async adopt(files: readonly string[]): Promise<number> {
    let adopted = 0;
    for (const file of files) {
      try {
        this.#added(await adoptPicture(this.#places, file));
        adopted += 1;
      } catch (error) {
        // Not a whole picture: it stays on disk, untouched and unlisted.
        this.#options.report(NOT_ADOPTED, error);
      }
    }
    return adopted;
  }

  #added(id: number): Picture {
    this.#index.refresh([id]);
    const [picture] = pictures.readPictures(this.#places.db, this.#places.urls, [id]);
    if (picture === undefined) throw pictures.noPicture(id);
    this.#options.emit({ type: 'picture', picture });
    return picture;
  }

  rate(ids: number[], rating: number): void {
    pictures.ratePictures(this.#places.db, ids, rating);
    this.#changed(ids);
  }

  setDeleted(ids: number[], deleted: boolean): void {
    pictures.setDeleted(this.#places.db, ids, deleted, this.#places.now());
    this.#changed(ids);
  }

  /** Removes what was deleted before a time for good, files too. @returns how many. */
  emptyBin(deletedBefore: number): number {
    const { db } = this.#places;
    const doomed = db.all<{ id: number; file: string }>(
      'SELECT id, file FROM pictures WHERE deleted = 1 AND deleted_at < ?',
      deletedBefore,
    );
    const ids = doomed.map(({ id }) => id);
    const list = JSON.stringify(ids);
    const files = doomed.map(({ file }) => file);
    removePictures(db, this.#places.pictures, files, () =>
      db.run('DELETE FROM pictures WHERE id IN (SELECT value FROM json_each(?))', list),
    );
    this.#options.embedder.forget(ids);
    this.#changed(ids);
    return ids.length;
  }

  #changed(ids: number[]): void {
    this.#index.refresh(ids);
    this.#options.emit({ type: 'pictures-changed', ids });
  }

  boards(): api.Board[] {
    return boards.listBoards(this.#places.db, this.#places.urls);
  }

  createBoard(name: string): api.Board {
    return this.#boardsChanged(boards.createBoard(this.#places.db, name, this.#places.now()));
  }

  renameBoard(id: number, name: string): void {
    this.#boardsChanged(boards.renameBoard(this.#places.db, id, name));
  }

  deleteBoard(id: number): void {
    this.#boardsChanged(boards.deleteBoard(this.#places.db, id));
  }

  addToBoard(id: number, ids: readonly number[]): void {
    this.#boardsChanged(boards.addToBoard(this.#places.db, id, ids, this.#places.now()));
  }

  removeFromBoard(id: number, ids: readonly number[]): void {
    this.#boardsChanged(boards.removeFromBoard(this.#places.db, id, ids));
  }

  #boardsChanged<Result>(result: Result): Result {
    this.#options.emit({ type: 'boards-changed' });
    return result;
  }

  export(request: api.ExportRequest) {
    return exportPictures(this.#places, this.#options.outbox, request);
  }

  /** Yields after each file; the last value is the sum. */
  import(paths: readonly string[], signal?: AbortSignal): AsyncGenerator<api.ImportProgress> {
    return importAll(this.#places, paths, (id) => void this.#added(id), signal);
  }

  /** The settings inside a picture of any tool, its models pointed at the library's files. */
  async readSettings(image: ImageRef): Promise<api.FoundSettings> {
    const { db } = this.#places;
    const found = await readImageMetadata(await readImageFile(imagePath(this.#places, image)));
    return {
      source: found.source ?? '',
      parameters: settingsText(found),
      request: withLibraryModels(db, found.request, found),
      incomplete: [...found.missing],
      missing: missingModels(db, found).map((name) => ({ name })),
      notes: [...found.problems],
    };
  }
}
