/** Builds every service of the studio from a few options; the Electron shell and `emulsion serve` both start here. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ReportTrouble } from '../../preload/errors.ts';
import type { Download } from '../../preload/models.ts';
import type { AppInfo, NetworkEntry } from '../../preload/studio.ts';
import type { EngineClient, LaunchEngine } from '../engine/border/client.ts';
import { Embedder } from '../history/embedder.ts';
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
import { createEngines, type Engines, tellMemory } from './engines.ts';
import { createEvents, type Events } from './events.ts';
import { addNotice } from './notices.ts';
import { createTroubles, type Log } from './troubles.ts';

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
  /** By default the terminal. */
  readonly log?: Log;
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
  readonly engines: Engines;
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
    services.library.scanUnasked();
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
  const { urls, version, hosts = PUBLIC_HOSTS, now = Date.now, log = console.error } = options;
  const events = createEvents((error) => log('A change could not be told on.', error));
  const { emit } = events;
  const troubles = createTroubles({ db, emit, log, now });
  const { report } = troubles;
  const places: ImagePlaces = { db, urls, pictures: folder.pictures, uploads: folder.uploads, now };
  const engines = createEngines(options.launchEngine, folder.cache, db);
  const library = createLibrary(options, { folder, db, events, now, report });
  // The embedder waits for the runner, which is made from the history, which is made from the embedder.
  const idle = { runner: null as Runner | null };
  const free = () => idle.runner?.busy === false;
  const embedder = createEmbedder(options, { folder, db, events, report, engine: engines.side, free });
  const history = new History({ places, outbox: folder.outbox, emit, embedder, report });
  const { gate, downloads } = createNetwork({ db, folder, library, events, now, version, hosts, report });
  const { jobs, runner } = createJobs({
    db,
    folder,
    history,
    library,
    events,
    now,
    embedder,
    engine: engines.main,
  });
  idle.runner = runner;
  const stopTelling = tellMemory(engines, () => runner.busy, emit);
  return {
    ...{
      options,
      folder,
      db,
      events,
      places,
      library,
      history,
      jobs,
      gate,
      hosts,
      downloads,
      engines,
    },
    thumbnails: createThumbnails(folder.thumbnails),
    close: once(async () => {
      troubles.close();
      stopTelling();
      await downloads.close();
      await runner.close();
      await engines.dispose();
      await library.close();
      closeCleanly(db);
      lock.release();
    }),
  };
}

/** Closing twice is closing once. */
function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | null = null;
  return () => {
    done ??= work();
    return done;
  };
}

interface Parts extends Pick<Services, 'db' | 'folder' | 'events'> {
  readonly report: ReportTrouble;
}

function createLibrary(
  { urls, shell, watch = true }: ServiceOptions,
  { folder, db, events, now, report }: Parts & { readonly now: () => number },
): Library {
  const { emit } = events;
  return new Library({
    ...{ db, urls, emit, now, report, modelsDir: folder.models, moveToBin: shell.moveToBin },
    mayHash: () => readSettings(db).hashModels,
    watch,
  });
}

interface NetworkParts extends Parts, Pick<Services, 'library' | 'hosts'> {
  readonly version: string;
  readonly now: () => number;
}

function createNetwork({ db, folder, library, events, hosts, version, now, report }: NetworkParts) {
  const { emit } = events;
  const onEntry = (entry: NetworkEntry) => emit({ type: 'network', entry });
  const gate = createGate({ db, now, version, onEntry, locked: () => readSettings(db).networkLocked });
  const tell = (download: Download) => emit({ type: 'download', download });
  return {
    gate,
    downloads: new Downloads({ db, gate, hosts, library, modelsDir: folder.models, emit: tell, report }),
  };
}

function createEmbedder(
  options: ServiceOptions,
  { folder, db, events, report, engine, free }: Parts & { engine: EngineClient; free: () => boolean },
): Embedder {
  const { emit } = events;
  return new Embedder({
    ...{
      db,
      report,
      pictures: folder.pictures,
      run: (job) => engine.run(job),
      encoder: () => encoderOf(options.starterDir),
    },
    idle: () => readSettings(db).indexMeaning && free(),
    onProgress: (indexed, total) => emit({ type: 'meaning-index', indexed, total }),
  });
}

interface JobParts extends Pick<Services, 'db' | 'folder' | 'history' | 'library' | 'events'> {
  readonly engine: EngineClient;
  readonly embedder: Embedder;
  readonly now: () => number;
}

function createJobs({ db, folder, history, library, events, engine, embedder, now }: JobParts) {
  const { pictures, uploads, training, models, preprocessors } = folder;
  const { emit } = events;
  const places = { db, history, library, now, pictures, uploads, training, models, preprocessors };
  const timeline = createTimeline();
  const onIdle = () => void embedder.work();
  const runner = new Runner({
    db,
    engine,
    places,
    finish: createFinish(places),
    timeline,
    emit,
    now,
    onIdle,
  });
  return { runner, jobs: new Jobs({ db, runner, timeline, emit, now }) };
}

/** The checkpoint whose text and image encoder search by meaning. */
function encoderOf(starterDir: string): string | null {
  const path = join(starterDir, 'little-world.safetensors');
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
