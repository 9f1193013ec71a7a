/** Watches the model folders and asks for a scan of one that changed, a moment after the last change in it. */
import { watch } from 'chokidar';

export interface FolderWatcher {
  /** Watches exactly these from now on. */
  set(folders: readonly { id: number; path: string }[]): void;
  close(): Promise<void>;
}

/** A copy of a large file arrives in many changes. */
const QUIET_MS = 1500;
const DEPTH = 8;

/** @param onFailed told why a folder cannot be watched (too many handles, a network drive): it is still scanned on request. */
export function watchFolders(
  onChange: (folderId: number) => void,
  onFailed: (error: unknown) => void,
  quietMs = QUIET_MS,
): FolderWatcher {
  const timers = new Map<number, NodeJS.Timeout>();
  let watched: readonly { id: number; path: string }[] = [];
  const watcher = watch([], { ignoreInitial: true, depth: DEPTH, ignorePermissionErrors: true });
  watcher.on('all', (_event, path) => {
    for (const folder of watched) {
      if (path !== folder.path && !path.startsWith(`${folder.path}/`) && !path.startsWith(`${folder.path}\\`))
        continue;
      clearTimeout(timers.get(folder.id));
      timers.set(
        folder.id,
        setTimeout(() => onChange(folder.id), quietMs),
      );
    }
  });
  watcher.on('error', onFailed);
  return {
    set: (folders) => {
      watcher.unwatch(watched.map(({ path }) => path));
      watched = folders;
      watcher.add(folders.map(({ path }) => path));
    },
    close: async () => {
      for (const timer of timers.values()) clearTimeout(timer);
      await watcher.close();
    },
  };
}
