/**
 * Whichever dialog is open. Each is loaded by itself: at the first quiet moment, or when it is asked for before that.
 * Notices are part of it while it is open: there they cover nothing, and keys reach them.
 */
import { type ComponentType, lazy, Suspense, useEffect } from 'react';
import { type Dialog, openDialog, useView } from '../../stores/view.ts';
import { DialogHead } from '../../ui/Dialog.tsx';
import { Notices } from '../shell/Notices.tsx';

type DialogName = Exclude<Dialog, null>;
type DialogProps = { readonly onClose: () => void };

const LOADERS: Readonly<Record<DialogName, () => Promise<{ default: ComponentType<DialogProps> }>>> = {
  library: async () => ({ default: (await import('../library/LibraryDialog.tsx')).LibraryDialog }),
  'import model': async () => ({ default: (await import('../library/ImportDialog.tsx')).ImportDialog }),
  settings: async () => ({ default: (await import('./SettingsDialog.tsx')).SettingsDialog }),
  'self-test': async () => ({ default: (await import('./SelfTestDialog.tsx')).SelfTestDialog }),
  sweep: async () => ({ default: (await import('./SweepDialog.tsx')).SweepDialog }),
  compare: async () => ({ default: (await import('./CompareDialog.tsx')).CompareDialog }),
  keys: async () => ({ default: (await import('./KeysDialog.tsx')).KeysDialog }),
  projects: async () => ({ default: (await import('./ProjectsDialog.tsx')).ProjectsDialog }),
};

const DIALOGS: Readonly<Record<DialogName, ComponentType<DialogProps>>> = {
  library: lazy(LOADERS.library),
  'import model': lazy(LOADERS['import model']),
  settings: lazy(LOADERS.settings),
  'self-test': lazy(LOADERS['self-test']),
  sweep: lazy(LOADERS.sweep),
  compare: lazy(LOADERS.compare),
  keys: lazy(LOADERS.keys),
  projects: lazy(LOADERS.projects),
};

const close = () => openDialog(null);

export function Dialogs() {
  const dialog = useView((state) => state.dialog);
  useEffect(loadWhenQuiet, []);
  if (dialog === null) return <Notices />;
  const Shown = DIALOGS[dialog];
  return (
    <Suspense fallback={<Notices />}>
      <DialogHead value={<Notices />}>
        <Shown onClose={close} />
      </DialogHead>
    </Suspense>
  );
}

/** Loads all of them, one in each quiet moment; returns how to stop. */
function loadWhenQuiet(): () => void {
  const waiting = Object.values(LOADERS);
  let handle = 0;
  const next = () => {
    const load = waiting.shift();
    // One that cannot be loaded now is asked for again, and says so, when it is opened.
    if (load !== undefined) void load().then(soon, soon);
  };
  const soon = () => {
    handle = requestIdleCallback(next);
  };
  soon();
  return () => cancelIdleCallback(handle);
}
