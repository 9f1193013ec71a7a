/** The top line: whose project, undo and redo, the five pages, and how the machine is doing. */
import { IconArrowBackUp, IconArrowForwardUp, IconBooks, IconSettings } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { canRedo, canUndo } from '../../document/undo.ts';
import { redoOnce, undoOnce, useDocument } from '../../stores/document.ts';
import { useQueue, waitingJobs } from '../../stores/queue.ts';
import { useStudio } from '../../stores/studio.ts';
import { MODES, openDialog, setMode, useView } from '../../stores/view.ts';
import { IconButton } from '../../ui/buttons.tsx';
import { deviceName, gigabytes } from '../../ui/format.ts';

export function Header() {
  return (
    <header className="top">
      <div className="line top-left">
        <span className="logo">
          <i aria-hidden />
          Emulsion
        </span>
        <ProjectName />
        <UndoButtons />
      </div>
      <ModeTabs />
      <Machine />
    </header>
  );
}

function ProjectName() {
  const { t } = useTranslation();
  const name = useDocument((state) => state.projectName);
  const saving = useDocument((state) => state.saving);
  return (
    <button type="button" className="project" onClick={() => openDialog('projects')} title={t('projects')}>
      <span className="ellipsis">{name}</span> <span className="quiet">· {t(`saving.${saving}`)}</span>
    </button>
  );
}

function UndoButtons() {
  const { t } = useTranslation();
  const undoable = useDocument(({ timeline }) => canUndo(timeline));
  const redoable = useDocument(({ timeline }) => canRedo(timeline));
  return (
    <span className="line" style={{ gap: 0 }}>
      <IconButton
        icon={IconArrowBackUp}
        label={t('undo')}
        keys="Control+Z"
        disabled={!undoable}
        onClick={undoOnce}
      />
      <IconButton
        icon={IconArrowForwardUp}
        label={t('redo')}
        keys="Control+Shift+Z"
        disabled={!redoable}
        onClick={redoOnce}
      />
    </span>
  );
}

function ModeTabs() {
  const { t } = useTranslation();
  const mode = useView((state) => state.mode);
  const walk = (event: React.KeyboardEvent) => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    const next = MODES[(MODES.indexOf(mode) + step + MODES.length) % MODES.length]!;
    setMode(next);
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <div className="tabs" role="tablist" aria-label={t('pages')} onKeyDown={walk} tabIndex={-1}>
      {MODES.map((name, i) => (
        <button
          key={name}
          id={`tab-${name}`}
          type="button"
          role="tab"
          aria-selected={mode === name}
          aria-controls="page"
          aria-keyshortcuts={`Alt+${i + 1}`}
          tabIndex={mode === name ? 0 : -1}
          onClick={() => setMode(name)}
        >
          {t(`mode.${name}`)}
        </button>
      ))}
    </div>
  );
}

function Machine() {
  const { t } = useTranslation();
  const devices = useStudio((state) => state.devices);
  const memory = useStudio((state) => state.memory);
  const waiting = useQueue((state) => waitingJobs(state).length);
  const unfolded = useView((state) => state.queueShown);
  return (
    <div className="line top-right">
      <button type="button" className="fact" onClick={() => openDialog('self-test')} title={t('selfTest')}>
        {t('device.short')} <em>{devices === null ? '…' : deviceName(devices.chosen)}</em>
      </button>
      {memory === null ? null : (
        <span className="fact" data-part="memory">
          {t('memory')} <em>{`${gigabytes(memory.total - memory.free)} / ${gigabytes(memory.total)} GB`}</em>
        </span>
      )}
      <button
        type="button"
        className="fact"
        aria-expanded={unfolded}
        title={t(unfolded ? 'queue.fold' : 'queue.unfold')}
        onClick={() => useView.setState({ queueShown: !unfolded })}
      >
        {t('queue.count')} <em>{waiting}</em>
      </button>
      <span className="line" style={{ gap: 0 }}>
        <IconButton
          icon={IconBooks}
          label={t('library')}
          keys="Control+L"
          onClick={() => openDialog('library')}
        />
        <IconButton
          icon={IconSettings}
          label={t('settings')}
          keys="Control+,"
          onClick={() => openDialog('settings')}
        />
      </span>
    </div>
  );
}
