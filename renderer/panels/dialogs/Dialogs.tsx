/** Whichever dialog is open. */
import { openDialog, useView } from '../../stores/view.ts';
import { ImportDialog } from '../library/ImportDialog.tsx';
import { LibraryDialog } from '../library/LibraryDialog.tsx';
import { CompareDialog } from './CompareDialog.tsx';
import { KeysDialog } from './KeysDialog.tsx';
import { ProjectsDialog } from './ProjectsDialog.tsx';
import { SelfTestDialog } from './SelfTestDialog.tsx';
import { SettingsDialog } from './SettingsDialog.tsx';
import { SweepDialog } from './SweepDialog.tsx';

const close = () => openDialog(null);

export function Dialogs() {
  const dialog = useView((state) => state.dialog);
  switch (dialog) {
    case 'library':
      return <LibraryDialog onClose={close} />;
    case 'import model':
      return <ImportDialog onClose={close} />;
    case 'settings':
      return <SettingsDialog onClose={close} />;
    case 'self-test':
      return <SelfTestDialog onClose={close} />;
    case 'sweep':
      return <SweepDialog onClose={close} />;
    case 'compare':
      return <CompareDialog onClose={close} />;
    case 'keys':
      return <KeysDialog onClose={close} />;
    case 'projects':
      return <ProjectsDialog onClose={close} />;
    case null:
      return null;
  }
}
