/** Troubles and remarks: one sentence, the next step, details to fold out and copy. */
import { IconAlertTriangle, IconInfoCircle, IconX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { dismissOffer, useDropped } from '../../commands/drop.ts';
import { recallRequest } from '../../commands/recall.ts';
import { closeNotice, type ShownNotice, useNotices } from '../../stores/notices.ts';
import { useStudio } from '../../stores/studio.ts';
import { Button, IconButton } from '../../ui/buttons.tsx';
import { ErrorDetails } from './ErrorDetails.tsx';

export function Notices() {
  const { t } = useTranslation();
  const shown = useNotices((state) => state.shown);
  return (
    <section className="notices" aria-label={t('notices')} aria-live="polite">
      <LineLost />
      <Offer />
      {shown.map((notice) => (
        <Notice key={notice.id} notice={notice} />
      ))}
    </section>
  );
}

function Notice({ notice }: { readonly notice: ShownNotice }) {
  const { t } = useTranslation();
  const { level, error } = notice;
  const Icon = level === 'info' ? IconInfoCircle : IconAlertTriangle;
  return (
    <div className="notice" data-level={level} role={level === 'error' ? 'alert' : undefined}>
      <Icon size={17} stroke={1.6} aria-hidden />
      <div className="grow">
        <ErrorDetails error={error} />
      </div>
      <IconButton size="small" icon={IconX} label={t('dismiss')} onClick={() => closeNotice(notice)} />
    </div>
  );
}

function LineLost() {
  const { t } = useTranslation();
  const line = useStudio((state) => state.line);
  if (line !== 'lost') return null;
  return (
    <div className="notice" data-level="warning" role="alert">
      <IconAlertTriangle size={17} stroke={1.6} aria-hidden />
      <p className="grow">{t('line.lost')}</p>
    </div>
  );
}

/** A dropped picture carried settings: take them over? */
function Offer() {
  const { t } = useTranslation();
  const offered = useDropped((state) => state.offered);
  if (offered === null) return null;
  const take = () => {
    recallRequest(offered.request, 'all');
    dismissOffer();
  };
  return (
    <div className="notice" data-level="offer">
      <IconInfoCircle size={17} stroke={1.6} aria-hidden />
      <div className="grow">
        <p>{t('offer', { source: offered.source })}</p>
        <p className="dim ellipsis">{offered.request.prompt}</p>
        {offered.missing.length > 0 ? (
          <p className="help warning">
            {t('offer.missing', { names: offered.missing.map(({ name }) => name).join(', ') })}
          </p>
        ) : null}
        <div className="line" style={{ marginTop: 8 }}>
          <Button size="small" look="primary" onClick={take}>
            {t('recall.all')}
          </Button>
          <Button size="small" onClick={dismissOffer}>
            {t('no')}
          </Button>
        </div>
      </div>
    </div>
  );
}
