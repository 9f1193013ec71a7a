/** Downloads: only what the user asks for, with the bytes and the way to stop. */
import { IconDownload, IconPlayerPause, IconPlayerPlay, IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Download } from '../../../preload/models.ts';
import { told } from '../../i18n/told.ts';
import { useModels } from '../../stores/models.ts';
import { attempt } from '../../stores/notices.ts';
import { studio, useStudio } from '../../stores/studio.ts';
import { Button, IconButton } from '../../ui/buttons.tsx';
import { TextField } from '../../ui/fields.tsx';
import { megabytes } from '../../ui/format.ts';

export function Downloads() {
  const { t } = useTranslation();
  const downloads = useModels((state) => state.downloads);
  const locked = useStudio(({ settings }) => settings?.networkLocked ?? false);
  const [source, setSource] = useState('');
  const start = () =>
    attempt(async () => {
      await studio().downloads.start({ source: source.trim() });
      setSource('');
    });
  return (
    <div className="stack library-page">
      <p className="help">{t(locked ? 'downloads.locked' : 'downloads.help')}</p>
      <div className="line" style={{ alignItems: 'end' }}>
        <div className="grow">
          <TextField
            label={t('downloads.source')}
            value={source}
            placeholder="https://…  ·  owner/name"
            onChange={setSource}
          />
        </div>
        <Button icon={IconDownload} disabled={locked || source.trim() === ''} onClick={() => void start()}>
          {t('downloads.start')}
        </Button>
      </div>
      <ul className="rows" aria-label={t('library.downloads')}>
        {downloads.map((download) => (
          <DownloadRow key={download.id} download={download} />
        ))}
        {downloads.length === 0 ? <li className="empty">{t('downloads.none')}</li> : null}
      </ul>
    </div>
  );
}

function DownloadRow({ download }: { readonly download: Download }) {
  const { t } = useTranslation();
  const { id, fileName, state, bytes, totalBytes, bytesPerSecond, error } = download;
  const running = state === 'running';
  return (
    <li className="line check">
      <span className="grow">
        {fileName}
        <br />
        <span className="help">
          {t(`download.${state}`)} · {megabytes(bytes)}
          {totalBytes === null ? '' : ` / ${megabytes(totalBytes)}`}
          {bytesPerSecond === null || !running ? '' : ` · ${megabytes(bytesPerSecond)}/s`}
          {error === null ? '' : ` · ${told(error.message)} ${told(error.hint)}`}
        </span>
        {running && totalBytes !== null ? (
          <span className="progress" style={{ display: 'block' }}>
            <i style={{ transform: `scaleX(${bytes / totalBytes})` }} />
          </span>
        ) : null}
      </span>
      {running ? (
        <IconButton
          icon={IconPlayerPause}
          label={t('pause')}
          onClick={() => void attempt(() => studio().downloads.pause({ id }))}
        />
      ) : null}
      {state === 'paused' || state === 'failed' ? (
        <IconButton
          icon={IconPlayerPlay}
          label={t('resume')}
          onClick={() => void attempt(() => studio().downloads.resume({ id }))}
        />
      ) : null}
      {state === 'done' || state === 'cancelled' ? null : (
        <IconButton
          icon={IconX}
          label={t('cancel')}
          onClick={() => void attempt(() => studio().downloads.cancel({ id }))}
        />
      )}
    </li>
  );
}
