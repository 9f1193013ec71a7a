/** Downloads as a service: what the user asked for, resumable across restarts, one at a time. */
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ReportTrouble, StudioError, toStudioError } from '../../preload/errors.ts';
import type { Download, ModelType } from '../../preload/models.ts';
import { OWN_FOLDERS } from '../library/folders.ts';
import type { Library } from '../library/library.ts';
import type { WritableDb } from '../storage/database.ts';
import type { Gate } from './gate.ts';
import { type Hosts, resolveSource } from './sources.ts';
import { transferFile } from './transfer.ts';

interface DownloadRow {
  id: number;
  source: string;
  url: string;
  file_name: string;
  type: ModelType | null;
  expected_sha256: string | null;
  state: Download['state'];
  bytes: number;
  total_bytes: number | null;
  etag: string | null;
  model_id: number | null;
  error: string | null;
}

export interface DownloadsOptions {
  readonly db: WritableDb;
  readonly gate: Gate;
  readonly hosts: Hosts;
  readonly library: Library;
  readonly modelsDir: string;
  readonly emit: (download: Download) => void;
  readonly report: ReportTrouble;
  readonly retryMs?: number;
}

/** Progress is told and recorded this often. */
const TELL_MS = 250;
const NOT_KEPT = {
  message: 'How a download ended could not be kept.',
  hint: 'Resume it when there is space on the disk.',
} as const;

export class Downloads {
  readonly #options: DownloadsOptions;
  #running: {
    readonly id: number;
    readonly controller: AbortController;
    readonly work: Promise<void>;
  } | null = null;
  readonly #speeds = new Map<number, number>();
  #closed = false;

  constructor(options: DownloadsOptions) {
    this.#options = options;
    options.db.run("UPDATE downloads SET state = 'paused' WHERE state IN ('running', 'waiting')");
  }

  list(): Download[] {
    return this.#options.db
      .all<DownloadRow>('SELECT * FROM downloads ORDER BY id DESC LIMIT 200')
      .map((row) => this.#shown(row));
  }

  async start(source: string, sha256?: string, type?: ModelType): Promise<Download> {
    const { db, gate, hosts } = this.#options;
    const { url, fileName } = await resolveSource(gate, hosts, source.trim());
    const { id } = db.run(
      "INSERT INTO downloads (source, url, file_name, type, expected_sha256, state) VALUES (?, ?, ?, ?, ?, 'waiting')",
      ...[source, url, fileName, type ?? null, sha256 ?? null],
    );
    this.#next();
    return this.#tell(id);
  }

  async pause(id: number): Promise<Download> {
    await this.#stop(id, 'paused');
    return this.#tell(id);
  }

  resume(id: number): Download {
    const { state } = this.#row(id);
    if (state === 'done' || this.#running?.id === id) {
      throw new StudioError(
        'conflict',
        `Download ${id} is ${state}.`,
        'Only paused and failed downloads can be resumed.',
      );
    }
    this.#set(id, "state = 'waiting', error = NULL");
    this.#next();
    return this.#tell(id);
  }

  /** Stops it and removes what was fetched. */
  async cancel(id: number): Promise<void> {
    const row = this.#row(id);
    await this.#stop(id, 'cancelled');
    if (row.state !== 'done') await rm(`${this.#target(row)}.part`, { force: true });
    this.#tell(id);
  }

  /** For when the network is locked: what runs is cut and can be resumed. */
  async pauseAll(): Promise<void> {
    const open = this.#options.db.column<number>(
      "SELECT id FROM downloads WHERE state IN ('waiting', 'running') ORDER BY state",
    );
    // Those that wait first, so that none of them takes the place of the one that runs.
    for (const id of open.reverse()) await this.pause(id);
  }

  /** Stops everything; running downloads go on after the next start when resumed. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#running !== null) await this.#stop(this.#running.id, 'paused');
  }

  async #stop(id: number, state: 'paused' | 'cancelled'): Promise<void> {
    if (this.#row(id).state === 'done') return;
    this.#set(id, `state = '${state}'`);
    if (this.#running?.id !== id) return;
    this.#running.controller.abort();
    await this.#running.work;
  }

  #next(): void {
    if (this.#running !== null || this.#closed) return;
    const row = this.#options.db.get<DownloadRow>(
      "SELECT * FROM downloads WHERE state = 'waiting' ORDER BY id LIMIT 1",
    );
    if (row === undefined) return;
    const controller = new AbortController();
    this.#set(row.id, "state = 'running'");
    const work = this.#run(row, controller.signal)
      .finally(() => {
        this.#running = null;
        this.#speeds.delete(row.id);
      })
      .catch((error: unknown) => this.#options.report(NOT_KEPT, error))
      .then(() => this.#next())
      // A disk that takes no word of this download takes none of the next.
      .catch((error: unknown) => this.#options.report(NOT_KEPT, error));
    this.#running = { id: row.id, controller, work };
  }

  async #run(row: DownloadRow, signal: AbortSignal): Promise<void> {
    const { gate, library, db, retryMs } = this.#options;
    const target = this.#target(row);
    try {
      await mkdir(dirname(target), { recursive: true });
      await transferFile(
        gate,
        { url: row.url, target, sha256: row.expected_sha256, etag: row.etag },
        { signal, onProgress: this.#progress(row.id), ...(retryMs !== undefined && { retryMs }) },
      );
      const card = await library.cardOfNew(target);
      if (card.state === 'broken') {
        const hint = 'Delete it in the library, then download it again or from another place.';
        throw new StudioError('bad-input', card.reason, hint);
      }
      db.run("UPDATE downloads SET state = 'done', model_id = ? WHERE id = ?", card.id, row.id);
    } catch (error) {
      if (!signal.aborted) {
        db.run(
          "UPDATE downloads SET state = 'failed', error = ? WHERE id = ?",
          JSON.stringify(toStudioError(error)),
          row.id,
        );
      }
    }
    this.#tell(row.id);
  }

  #progress(id: number) {
    let told = 0;
    let last = { time: performance.now(), bytes: -1 };
    return ({
      bytes,
      totalBytes,
      etag,
    }: {
      bytes: number;
      totalBytes: number | null;
      etag: string | null;
    }): void => {
      const time = performance.now();
      if (time - told < TELL_MS && bytes !== totalBytes) return;
      if (last.bytes >= 0)
        this.#speeds.set(id, ((bytes - last.bytes) * 1000) / Math.max(1, time - last.time));
      last = { time, bytes };
      told = time;
      this.#options.db.run(
        'UPDATE downloads SET bytes = ?, total_bytes = ?, etag = ? WHERE id = ?',
        bytes,
        totalBytes,
        etag,
        id,
      );
      this.#tell(id);
    };
  }

  /** The id keeps two downloads of the same name apart until they are done. */
  #target({ id, type, file_name }: DownloadRow): string {
    const folder = (type === null ? undefined : OWN_FOLDERS[type]) ?? 'downloads';
    const taken =
      this.#options.db.value('SELECT 1 FROM downloads WHERE file_name = ? AND id < ?', file_name, id) !==
      undefined;
    return join(
      this.#options.modelsDir,
      folder,
      taken ? file_name.replace(/(\.[^.]*)?$/, ` (${id})$1`) : file_name,
    );
  }

  #set(id: number, assignments: string): void {
    this.#options.db.run(`UPDATE downloads SET ${assignments} WHERE id = ?`, id);
  }

  #row(id: number): DownloadRow {
    const row = this.#options.db.get<DownloadRow>('SELECT * FROM downloads WHERE id = ?', id);
    if (row !== undefined) return row;
    throw new StudioError('not-found', `There is no download ${id}.`, 'Reload the list of downloads.');
  }

  #tell(id: number): Download {
    const download = this.#shown(this.#row(id));
    this.#options.emit(download);
    return download;
  }

  #shown(row: DownloadRow): Download {
    const { id, source, state, bytes } = row;
    const rest = { fileName: row.file_name, totalBytes: row.total_bytes, modelId: row.model_id };
    const error = row.error === null ? null : JSON.parse(row.error);
    return { id, source, state, bytes, ...rest, bytesPerSecond: this.#speeds.get(id) ?? null, error };
  }
}
