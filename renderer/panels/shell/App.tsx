/** The window: header, settings, canvas, history, status; a dialog or notices above them. */
import { type ReactNode, useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { listenToShortcuts } from '../../lifecycle/shortcuts.ts';
import { isCanvasMode, usePage, useView } from '../../stores/view.ts';
import { CanvasPage } from '../canvas/CanvasPage.tsx';
import { Dialogs } from '../dialogs/Dialogs.tsx';
import { HistoryPanel } from '../history/HistoryPanel.tsx';
import { SettingsPanel } from '../settings/SettingsPanel.tsx';
import { TrainPage } from '../train/TrainPage.tsx';
import { UpscalePage } from '../upscale/UpscalePage.tsx';
import { DropZone } from './DropZone.tsx';
import { Header } from './Header.tsx';
import { StatusBar } from './StatusBar.tsx';

export function App() {
  useEffect(listenToShortcuts, []);
  return (
    <DropZone>
      <Page>
        <Header />
        <SettingsPanel />
        <Middle />
        <HistoryPanel />
        <StatusBar />
      </Page>
      <Dialogs />
    </DropZone>
  );
}

/** Everything that the tabs switch; its parts are handed in, so that a new page renders only those that look at it. */
function Page({ children }: { readonly children: ReactNode }) {
  const mode = useView((state) => state.mode);
  return (
    <div className="window" id="page" role="tabpanel" aria-labelledby={`tab-${mode}`}>
      {children}
    </div>
  );
}

/** The canvas stays in place behind the pages without one: coming back builds nothing. */
function Middle() {
  const { t } = useTranslation();
  const page = usePage();
  return (
    <main aria-label={t('canvas')}>
      <CanvasPage shown={isCanvasMode(page)} />
      {page === 'upscale' ? <UpscalePage /> : page === 'train' ? <TrainPage /> : null}
    </main>
  );
}
