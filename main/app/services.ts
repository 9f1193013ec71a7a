/** Builds every service of the studio from a few options; the Electron shell and `emulsion serve` both start here. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { AppInfo } from '../../preload/studio.ts';
import { EngineClient, type LaunchEngine } from '../engine/client.ts';
import { createEmbedder, type Embedder } from '../history/embedder.ts';
import { History } from '../history/history.ts';
import { createThumbnails, type Thumbnails } from '../history/thumbnails.ts';
import type { ImagePlaces } from '../history/uploads.ts';
import { Jobs } from '../jobs/jobs.ts';
import { createFinish } from '../jobs/results.ts';
import { Runner } from '../jobs/runner.ts';
import { createTimeline } from '../jobs/timeline.ts';
import type { MoveToBin } from '../library/importing.ts';
import { Library } from '../library/library.ts';
import { Downloads } from '../network/downloads.ts';
import { createGate, type Gate } from '../network/gate.ts';
import { type Hosts, PUBLIC_HOSTS } from '../network/sources.ts';
import type { WritableDb } from '../storage/database.ts';
import { type DataFolder, lockDataFolder, openDataFolder } from '../storage/dataFolder.ts';
import { settlePending } from '../storage/fileStore.ts';
import { closeCleanly, type OpenedDatabase, openStudioDatabase } from '../storage/recovery.ts';
import { readSettings } from '../storage/settings.ts';
import type { FileUrls } from '../storage/urls.ts';
import { createEvents, type Events } from './events.ts';
import { addNotice } from './notices.ts';

/** What only a desktop shell can do. */
export interface Shell {
  readonly kind: AppInfo['shell'];
  pick(what: string, name: string): Promise<string[]>;
  reveal(path: string): Promise<void>;
  readonly moveToBin: MoveToBin;
}

export interface ServiceOptions {
  readonly dataRoot: string;
  readonly launchEngine: LaunchEngine;
  readonly urls: FileUrls;
  readonly shell: Shell;
  readonly version: string;
  /** Folder of the starter models. */
  readonly starterDir: string;
  readonly watch?: boolean;
  readonly hosts?: Hosts;
  readonly now?: () => number;
}

export interface Services {
  readonly options: ServiceOptions;
  readonly folder: DataFolder;
  readonly db: WritableDb;
  readonly events: Events;
  readonly places: ImagePlaces;
  readonly thumbnails: Thumbnails;
  readonly library: Library;
  readonly history: History;
  readonly jobs: Jobs;
  readonly gate: Gate;
  readonly hosts: Hosts;
  readonly downloads: Downloads;
  /** For hints, embeddings and devices: answers while the other engine paints. */
  readonly sideEngine: EngineClient;
  /** Applies changed settings to both engines. */
  configureEngines(): void;
  close(): Promise<void>;
}

/**
 * Opens the data folder, settles what a crash left open, and starts the queue.
 * @throws StudioError when the folder is not writable or in use by another instance.
 */
export async function createServices(options: ServiceOptions): Promise<Services> {
  const folder = openDataFolder(options.dataRoot);
  const lock = lockDataFolder(folder.root);
  try {
    const opened = openStudioDatabase(folder.database);
    const services = assemble(options, folder, opened.db, lock);
    await recover(services, opened);
    services.library.startHashing();
    void services.library.rescan().catch(() => undefined);
    services.jobs.start();
    return services;
  } catch (error) {
    lock.release();
    throw error;
  }
}

function assemble(
  options: ServiceOptions,
  folder: DataFolder,
  db: WritableDb,
  lock: { release(): void },
): Services {
  const { urls, version, hosts = PUBLIC_HOSTS, now = Date.now } = options;
  const events = createEvents();
  const { emit } = events;
  const places: ImagePlaces = { db, urls, pictures: folder.pictures, uploads: folder.uploads, now };
  const settings = () => readSettings(db);
  const engineSettings = () => {
    const { memory, device, threads, previews } = settings();
    return { memory, device, threads, previews, cacheDir: folder.cache };
  };
  const engine = new EngineClient(options.launchEngine, engineSettings());
  const sideEngine = new EngineClient(options.launchEngine, { ...engineSettings(), previews: false });
  const library = new Library({
    ...{ db, urls, emit, now, modelsDir: folder.models, moveToBin: options.shell.moveToBin },
    mayHash: () => settings().hashModels,
    watch: options.watch ?? true,
  });
  const embedder: Embedder = createEmbedder({
    ...{ db, pictures: folder.pictures },
    run: (job) => sideEngine.run(job),
    encoder: () => encoderOf(options.starterDir),
    idle: () => settings().indexMeaning && !runner.busy,
    onProgress: (indexed, total) => emit({ type: 'meaning-index', indexed, total }),
  });
  const history = new History({ places, outbox: folder.outbox, emit, embedder });
  const gate = createGate({
    db,
    now,
    version,
    locked: () => settings().networkLocked,
    onEntry: (entry) => emit({ type: 'network', entry }),
  });
  const downloads = new Downloads({
    db,
    gate,
    hosts,
    library,
    modelsDir: folder.models,
    emit: (download) => emit({ type: 'download', download }),
  });
  const resultPlaces = {
    db,
    history,
    library,
    now,
    pictures: folder.pictures,
    uploads: folder.uploads,
    training: folder.training,
    models: folder.models,
  };
  const timeline = createTimeline();
  const finish = createFinish(resultPlaces);
  const runner: Runner = new Runner({
    db,
    engine,
    places: resultPlaces,
    finish,
    timeline,
    emit,
    now,
    onIdle: () => void embedder.work(),
  });
  const jobs = new Jobs({ db, runner, timeline, emit, now });
  return {
    ...{ options, folder, db, events, places, library, history, jobs, gate, hosts, downloads, sideEngine },
    thumbnails: createThumbnails(folder.thumbnails),
    configureEngines: () => {
      engine.configure(engineSettings());
      sideEngine.configure({ ...engineSettings(), previews: false });
    },
    close: async () => {
      await downloads.close();
      await runner.close();
      await Promise.all([engine.dispose(), sideEngine.dispose()]);
      await library.close();
      closeCleanly(db);
      lock.release();
    },
  };
}

/** The CLIP pair that searches by meaning. */
function encoderOf(starterDir: string): string | null {
  const path = join(starterDir, 'little-world-clip.safetensors');
  return existsSync(path) ? path : null;
}

/** After a crash or damage: finishes open writes, and reads pictures again whose records are lost. */
async function recover(
  { db, history, folder, events, options }: Services,
  { damage }: OpenedDatabase,
): Promise<void> {
  for (const name of readdirSync(folder.outbox))
    rmSync(join(folder.outbox, name), { recursive: true, force: true });
  if (existsSync(options.starterDir)) addStarter(db, options.starterDir);
  await history.adopt(settlePending(db, folder.pictures));
  if (damage === null) return;
  const adopted = await history.adopt(unrecorded(db, folder.pictures));
  const message = `The database was damaged and a new one was made; ${adopted} pictures were read again from their files.`;
  const hint = `Ratings and boards of those pictures are lost; the damaged file lies at ${damage.movedTo}.`;
  addNotice(
    db,
    events.emit,
    'warning',
    { code: 'internal', message, hint, details: damage.reason },
    Date.now(),
  );
}

function addStarter(db: WritableDb, path: string): void {
  db.run("INSERT OR IGNORE INTO folders (path, layout, own, added) VALUES (?, 'plain', 1, 0)", path);
}

function unrecorded(db: WritableDb, root: string): string[] {
  const known = new Set(db.column<string>('SELECT file FROM pictures'));
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.part'))
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(root.length + 1)
        .replaceAll('\\', '/'),
    )
    .filter((file) => !known.has(file))
    .sort();
}
