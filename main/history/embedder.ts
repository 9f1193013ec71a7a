/** Computes CLIP embeddings of pictures while the studio is idle, and of texts when somebody searches. */
import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type ReportTrouble, StudioError } from '../../preload/errors.ts';
import type { EngineJob, EngineResult } from '../engine/border/protocol.ts';
import type { WritableDb } from '../storage/database.ts';
import { MeaningIndex } from './meaningIndex.ts';

export interface EmbedderOptions {
  readonly db: WritableDb;
  readonly pictures: string;
  readonly run: (job: EngineJob) => Promise<EngineResult>;
  /** Path of the CLIP pair, or null when there is none. */
  readonly encoder: () => string | null;
  /** True while background work would disturb nobody. */
  readonly idle: () => boolean;
  readonly report: ReportTrouble;
  readonly onProgress: (indexed: number, total: number) => void;
}

const BATCH = 16;
const NOT_EMBEDDED = {
  message: 'A picture cannot be found by meaning.',
  hint: 'Look whether it can be opened; it is tried again at the next start.',
} as const;
const NOTHING_EMBEDDED = {
  message: 'The search by meaning does not know the newest pictures.',
  hint: 'It is brought up to date after the next picture; start the studio again if that does not help.',
} as const;

export class Embedder {
  readonly #options: EmbedderOptions;
  #index: MeaningIndex | null = null;
  #working: Promise<void> | null = null;
  /** Pictures that cannot be embedded, left out until the next start. */
  readonly #failed = new Set<number>();

  constructor(options: EmbedderOptions) {
    this.#options = options;
  }

  /** Loaded when first asked for. */
  get index(): MeaningIndex {
    const encoder = this.#options.encoder();
    this.#index ??= loadIndex(this.#options.db, encoder === null ? '' : encoderKey(encoder));
    return this.#index;
  }

  /** Embeds what has no embedding yet until done or no longer idle. Never rejects: nobody waits for it. */
  work(): Promise<void> {
    this.#working ??= this.#run()
      .catch((error: unknown) => this.#options.report(NOTHING_EMBEDDED, error))
      .finally(() => {
        this.#working = null;
      });
    return this.#working;
  }

  async #run(): Promise<void> {
    const { db, encoder, idle, onProgress } = this.#options;
    const model = encoder();
    while (model !== null && idle()) {
      const rows = pending(db, encoderKey(model), this.#failed);
      if (rows.length === 0) return;
      const isDone = await this.#embed(model, rows).then(
        () => true,
        () => this.#oneByOne(model, rows),
      );
      if (!isDone) return;
      onProgress(this.index.size, db.value<number>('SELECT count(*) FROM pictures') ?? 0);
    }
  }

  /**
   * One unreadable picture spoils its batch, and a batch may fail by chance (an engine that was ended): only what fails
   * again by itself is left out. False when there is no point in going on: nothing succeeds, or the studio is busy.
   */
  async #oneByOne(model: string, rows: readonly PictureFile[]): Promise<boolean> {
    let succeeded = 0;
    const failures: unknown[] = [];
    for (const row of rows) {
      if (!this.#options.idle()) return false;
      try {
        await this.#embed(model, [row]);
        succeeded++;
      } catch (error) {
        this.#failed.add(row.id);
        failures.push(error);
      }
    }
    // Where all fail alike, the pictures are not to blame.
    const trouble = succeeded === 0 && rows.length > 1 ? NOTHING_EMBEDDED : NOT_EMBEDDED;
    for (const error of failures) this.#options.report(trouble, error);
    return succeeded > 0;
  }

  /** @throws StudioError when there is no encoder. */
  async ofText(text: string): Promise<Float32Array> {
    const model = requireEncoder(this.#options.encoder());
    const result = await this.#options.run({ kind: 'embed', model, images: [], texts: [text] });
    return result.kind === 'embeddings' ? (result.texts[0] ?? new Float32Array()) : new Float32Array();
  }

  /** Of a picture; computed now if it is not known yet. */
  async ofPicture(id: number): Promise<Float32Array> {
    const { db, encoder } = this.#options;
    const model = requireEncoder(encoder());
    const blob = db.value<Uint8Array>(
      'SELECT vector FROM embeddings WHERE picture_id = ? AND encoder = ?',
      id,
      encoderKey(model),
    );
    if (blob !== undefined) return floatsOf(blob);
    const file = db.value<string>('SELECT file FROM pictures WHERE id = ?', id);
    if (file === undefined)
      throw new StudioError('not-found', `There is no picture ${id}.`, 'Reload the history.');
    const [vector] = await this.#embed(model, [{ id, file }]);
    return vector ?? new Float32Array();
  }

  forget(ids: readonly number[]): void {
    for (const id of ids) this.#index?.remove(id);
  }

  async #embed(model: string, rows: readonly PictureFile[]): Promise<Float32Array[]> {
    const { db, pictures, run } = this.#options;
    const images = rows.map(({ file }) => join(pictures, file));
    const result = await run({ kind: 'embed', model, images, texts: [] });
    const vectors = result.kind === 'embeddings' ? [...result.images] : [];
    const encoder = encoderKey(model);
    db.transaction(() => {
      for (const [i, vector] of vectors.entries()) storeVector(db, rows[i]?.id ?? 0, encoder, vector);
    });
    for (const [i, vector] of vectors.entries()) this.#put(rows[i]?.id ?? 0, vector);
    return vectors;
  }

  /** The first vector tells the width of an empty index. */
  #put(id: number, vector: Float32Array): void {
    if (this.index.size === 0 && this.index.width !== vector.length)
      this.#index = new MeaningIndex(vector.length);
    this.index.set(id, vector);
  }
}

interface PictureFile {
  readonly id: number;
  readonly file: string;
}

/**
 * Names an encoder by what it is, as far as that can be told without reading it: an AppImage has it in another folder at
 * every start, and an update puts another one into the same place.
 */
function encoderKey(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? path : `${basename(path)}|${stats.size}|${stats.mtimeMs}`;
}

/** Newest first: what was just made is looked for most. */
function pending(db: WritableDb, encoder: string, failed: ReadonlySet<number>): PictureFile[] {
  return db
    .all<PictureFile>(
      `SELECT p.id, p.file FROM pictures p LEFT JOIN embeddings e ON e.picture_id = p.id AND e.encoder = ?
       WHERE e.picture_id IS NULL AND p.deleted = 0 ORDER BY p.id DESC LIMIT ?`,
      encoder,
      BATCH + failed.size,
    )
    .filter(({ id }) => !failed.has(id))
    .slice(0, BATCH);
}

function requireEncoder(encoder: string | null): string {
  if (encoder !== null) return encoder;
  throw new StudioError(
    'not-found',
    'There is no CLIP image encoder to search by meaning with.',
    'Put the starter set back, or search by words.',
  );
}

function loadIndex(db: WritableDb, encoder: string): MeaningIndex {
  const rows = db.all<{ picture_id: number; vector: Uint8Array }>(
    'SELECT picture_id, vector FROM embeddings WHERE encoder = ?',
    encoder,
  );
  const index = new MeaningIndex((rows[0]?.vector.byteLength ?? 0) / 4 || 1);
  for (const { picture_id, vector } of rows) index.set(picture_id, floatsOf(vector));
  return index;
}

function storeVector(db: WritableDb, id: number, encoder: string, vector: Float32Array): void {
  const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
  db.run('INSERT OR REPLACE INTO embeddings SELECT id, ?, ? FROM pictures WHERE id = ?', encoder, bytes, id);
}

/** A copy, because a blob may start at any byte. */
function floatsOf(blob: Uint8Array): Float32Array {
  return new Float32Array(blob.slice().buffer);
}
