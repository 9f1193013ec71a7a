/** The two engine processes of a studio, each started by its first job, and the memory they and the machine use. */
import { availableMemory } from 'node:process';
import type { StudioEvent } from '../../preload/studio.ts';
import { EngineClient, type LaunchEngine, type OnLimit } from '../engine/border/client.ts';
import type { EngineSettings } from '../engine/border/protocol.ts';
import { privateBytes, totalMemory } from '../jobs/memoryWatch.ts';
import type { WritableDb } from '../storage/database.ts';
import { readSettings } from '../storage/settings.ts';
import { readLimits, rememberLimit } from './deviceLimits.ts';

export interface Engines {
  /** Paints the queue. */
  readonly main: EngineClient;
  /** Answers in between: hints, embeddings, devices. */
  readonly side: EngineClient;
  /** Applies changed settings to both. */
  configure(): void;
  memory(): Memory;
  dispose(): Promise<void>;
}

type Memory = Extract<StudioEvent, { type: 'memory' }>['memory'];

export function createEngines(launchEngine: LaunchEngine, cacheDir: string, db: WritableDb): Engines {
  const settings = (): EngineSettings => {
    const { memory, device, threads, previews } = readSettings(db);
    return { memory, device, threads, previews, cacheDir, limits: readLimits(db, Date.now()) };
  };
  const configure = (): void => {
    main.configure(settings());
    side.configure({ ...settings(), previews: false });
  };
  const onLimit: OnLimit = (device, bytes) => {
    rememberLimit(db, device, bytes, Date.now());
    configure();
  };
  const main = new EngineClient(launchEngine, settings(), onLimit);
  const side = new EngineClient(launchEngine, { ...settings(), previews: false }, onLimit);
  return {
    main,
    side,
    configure,
    memory: () => {
      const total = totalMemory();
      const engine = (privateBytes(main.pid) ?? 0) + (privateBytes(side.pid) ?? 0);
      return { total, free: Math.min(total, availableMemory()), engine };
    },
    dispose: async () => {
      await Promise.all([main.dispose(), side.dispose()]);
    },
  };
}

const TELL_MEMORY_MS = 2000;

/** Tells the windows while a job runs. @returns what ends it. */
export function tellMemory(
  engines: Engines,
  busy: () => boolean,
  emit: (event: StudioEvent) => void,
): () => void {
  const timer = setInterval(() => {
    if (busy()) emit({ type: 'memory', memory: engines.memory() });
  }, TELL_MEMORY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
