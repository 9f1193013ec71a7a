/** The window: header, settings, canvas, history, status; dialogs and notices above them. */
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { listenToShortcuts } from '../../lifecycle/shortcuts.ts';
import { useStudio } from '../../stores/studio.ts';
import { useView } from '../../stores/view.ts';
import { CanvasPage } from '../canvas/CanvasPage.tsx';
import { Dialogs } from '../dialogs/Dialogs.tsx';
import { HistoryPanel } from '../history/HistoryPanel.tsx';
import { SettingsPanel } from '../settings/SettingsPanel.tsx';
import { TrainPage } from '../train/TrainPage.tsx';
import { UpscalePage } from '../upscale/UpscalePage.tsx';
import { DropZone } from './DropZone.tsx';
import { Header } from './Header.tsx';
import { Notices } from './Notices.tsx';
import { StatusBar } from './StatusBar.tsx';

export function App() {
  const { t } = useTranslation();
  const mode = useView((state) => state.mode);
  const line = useStudio((state) => state.line);
  const onCanvas = mode === 'create' || mode === 'edit' || mode === 'sketch';
  useEffect(listenToShortcuts, []);
  return (
    <DropZone>
      <div className="window" id="page" role="tabpanel" aria-labelledby={`tab-${mode}`}>
        <Header />
        <SettingsPanel />
        <main aria-label={t('canvas')}>
          {onCanvas ? <CanvasPage /> : mode === 'upscale' ? <UpscalePage /> : <TrainPage />}
        </main>
        <HistoryPanel />
        <StatusBar />
      </div>
      <Notices />
      <Dialogs />
      {line === 'lost' ? (
        <p className="lost" role="alert">
          {t('line.lost')}
        </p>
      ) : null}
    </DropZone>
  );
}
