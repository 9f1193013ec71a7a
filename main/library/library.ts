/** The library as a service: folders, scans, background hashes and watching, told to whoever listens. */
import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { type ReportTrouble, StudioError } from '../../preload/errors.ts';
import type { Facet, FileInspection, ModelCard, ModelFolder, ModelType } from '../../preload/models.ts';
import type { StudioEvent } from '../../preload/studio.ts';
import type { WritableDb } from '../storage/database.ts';
import type { FileUrls } from '../storage/urls.ts';
import { cardsWhere, readCard } from './cards.ts';
import { addFolders, ensureOwnFolder, listFolders, removeFolder } from './folders.ts';
import { createHasher, type Hasher } from './hashing.ts';
import { type MoveToBin, takeIn } from './importing.ts';
import { inspectModel } from './inspect.ts';
import { type ScanCounts, scanFolder } from './scan.ts';
import { type FolderWatcher, watchFolders } from './watch.ts';

export interface LibraryOptions {
  readonly db: WritableDb;
  readonly urls: FileUrls;
  readonly modelsDir: string;
  readonly emit: (event: StudioEvent) => void;
  readonly moveToBin: MoveToBin;
  readonly now: () => number;
  readonly report: ReportTrouble;
  /** Asked before each background hash run. */
  readonly mayHash: () => boolean;
  /** Off in short-lived programs. */
  readonly watch: boolean;
}

type Options = LibraryOptions;

const NOT_SCANNED = {
  message: 'The model folders could not be scanned.',
  hint: 'Rescan them in the library.',
} as const;
const NOT_WATCHED = {
  message: 'The model folders are not watched for changes.',
  hint: 'Rescan them in the library after adding files.',
} as const;
const NO_HASH = {
  message: 'A model file could not be read for its hash.',
  hint: 'Check the disk that it lies on.',
} as const;

export class Library {
  readonly #options: Options;
  readonly #hasher: Hasher;
  readonly #watcher: FolderWatcher | null;
  /** Scans run one after another: two of one folder would insert the same file twice. */
  #scans: Promise<unknown> = Promise.resolve();
  readonly #ownFolder: number;

  constructor(options: Options) {
    this.#options = options;
    const { db, urls, emit, modelsDir } = options;
    this.#ownFolder = ensureOwnFolder(db, modelsDir, options.now());
    this.#hasher = createHasher(
      db,
      (id) => emit({ type: 'model', model: readCard(db, urls, id) }),
      (error) => options.report(NO_HASH, error),
    );
    this.#watcher = options.watch
      ? watchFolders(
          (id) => this.scanUnasked(id),
          (error) => options.report(NOT_WATCHED, error),
        )
      : null;
    this.#watch();
  }

  folders(): ModelFolder[] {
    return listFolders(this.#options.db);
  }

  /** Adds a folder or a tool's tree and scans it. @throws StudioError when there is none. */
  async addFolder(
    path: string,
    layout: ModelFolder['layout'] | 'auto',
    signal?: AbortSignal,
  ): Promise<ModelFolder[]> {
    const ids = addFolders(this.#options.db, path, layout, this.#options.now());
    this.#watch();
    for (const id of ids) await this.rescan(id, signal);
    return this.folders().filter(({ id }) => ids.includes(id));
  }

  removeFolder(id: number): void {
    removeFolder(this.#options.db, id);
    this.#watch();
    this.#options.emit({ type: 'models-changed' });
  }

  /** Scans one folder or all of them by headers; hashes follow in the background. */
  async rescan(folderId?: number, signal?: AbortSignal): Promise<ScanCounts & { milliseconds: number }> {
    const start = performance.now();
    const work = this.#scans.then(() => this.#scan(folderId, signal));
    this.#scans = work.catch(() => undefined);
    const counts = await work;
    if (counts.added + counts.changed + counts.missing > 0) this.#options.emit({ type: 'models-changed' });
    this.startHashing();
    return { ...counts, milliseconds: performance.now() - start };
  }

  /** As rescan, for when nobody waits for it. */
  scanUnasked(folderId?: number): void {
    void this.rescan(folderId).catch((error: unknown) => this.#options.report(NOT_SCANNED, error));
  }

  async #scan(folderId: number | undefined, signal: AbortSignal | undefined): Promise<ScanCounts> {
    const { db, emit } = this.#options;
    const sum: ScanCounts = { added: 0, changed: 0, missing: 0, broken: 0 };
    for (const folder of this.folders()) {
      if ((folderId !== undefined && folder.id !== folderId) || !folder.reachable) continue;
      const counts = await scanFolder(db, folder.id, folder.path, {
        onProgress: (scan) => emit({ type: 'scan', scan }),
        ...(signal && { signal }),
      });
      for (const key of Object.keys(sum) as (keyof ScanCounts)[]) sum[key] += counts[key];
    }
    return sum;
  }

  /** What a file is and what it fits, before it is taken in. Reads its header only. */
  inspect(path: string): FileInspection {
    const { db, urls } = this.#options;
    const facts = inspectModel(resolve(path));
    const known = db.value<number>('SELECT id FROM models WHERE path = ?', resolve(path)) ?? null;
    const fits = cardsWhere(
      db,
      urls,
      "coalesce(m.user_type, m.type) = 'checkpoint' AND coalesce(m.user_base, m.base) = ?",
      facts.base,
    );
    const { type, base, variant, state, reason } = facts;
    const names = fits.map(({ name }) => name);
    return { path: resolve(path), type, base, variant, state, reason, known, fits: names };
  }

  /** Takes a file in and returns its card. @throws StudioError `bad-input` when it is no model. */
  async import(path: string, how: 'move' | 'copy' | 'in-place', type?: ModelType): Promise<ModelCard> {
    const { db, urls, modelsDir } = this.#options;
    const facts = inspectModel(resolve(path));
    if (facts.state === 'broken') {
      throw new StudioError(
        'bad-input',
        facts.reason,
        'Choose a complete model file (.safetensors, .ckpt, .pt).',
      );
    }
    const target =
      how === 'in-place' ? resolve(path) : await takeIn(path, how, type ?? facts.type, modelsDir);
    if (how === 'in-place') await this.addFolder(dirname(target), 'plain');
    else await this.rescan(this.#ownFolder);
    const [card] = cardsWhere(db, urls, 'm.path = ?', target);
    if (card === undefined) {
      throw new StudioError(
        'bad-input',
        `${basename(path)} is no kind of file the library takes.`,
        'Use a .safetensors file.',
      );
    }
    if (type !== undefined) db.run('UPDATE models SET user_type = ? WHERE id = ?', type, card.id);
    return readCard(db, urls, card.id);
  }

  /** The card of the model at `path`, which lies below the studio's own folder and has just been written. */
  async cardOfNew(path: string): Promise<ModelCard> {
    await this.rescan(this.#ownFolder);
    const [card] = cardsWhere(this.#options.db, this.#options.urls, 'm.path = ?', path);
    if (card !== undefined) return card;
    throw new StudioError('not-found', `${path} is not in the library.`, 'Rescan the models folder.');
  }

  /** File to the system's bin, then the card is forgotten. */
  async delete(id: number): Promise<void> {
    const { db, urls, moveToBin, emit } = this.#options;
    const card = readCard(db, urls, id);
    // Asked for twice, or taken away by hand: what is gone is deleted.
    if (card.state !== 'missing')
      await moveToBin(card.path).catch((error: unknown) => {
        if (existsSync(card.path)) throw error;
      });
    db.run('DELETE FROM models WHERE id = ?', id);
    emit({ type: 'models-changed' });
  }

  /** Groups of files with the same tensors, whatever their names; files other than safetensors must agree as a whole. */
  duplicates(): ModelCard[][] {
    const { db, urls } = this.#options;
    const hashes = db.column<string>(
      "SELECT coalesce(auto_v3, sha256) FROM models WHERE sha256 IS NOT NULL AND state <> 'missing' GROUP BY 1 HAVING count(*) > 1",
    );
    return hashes.map((hash) =>
      cardsWhere(db, urls, "coalesce(m.auto_v3, m.sha256) = ? AND m.state <> 'missing'", hash),
    );
  }

  unused(since: number): ModelCard[] {
    const where = "(m.last_used IS NULL OR m.last_used < ?) AND m.state <> 'missing'";
    return cardsWhere(this.#options.db, this.#options.urls, `${where} ORDER BY m.bytes DESC`, since);
  }

  /** Bytes by model type, largest first. */
  diskUse(): Facet[] {
    return this.#options.db.all(
      "SELECT coalesce(user_type, type) AS value, sum(bytes) AS count FROM models WHERE state <> 'missing' GROUP BY 1 ORDER BY 2 DESC",
    );
  }

  startHashing(): void {
    if (this.#options.mayHash())
      void this.#hasher.run().catch((error: unknown) => this.#options.report(NO_HASH, error));
  }

  /** Ends background work; resolves when it has ended. */
  async close(): Promise<void> {
    await this.#watcher?.close();
    await this.#scans;
    await this.#hasher.stop();
  }

  #watch(): void {
    this.#watcher?.set(this.folders().filter(({ reachable }) => reachable));
  }
}
