/** The first page ever seen: what this is, what is ready, and the way to the first picture. */
import { IconBrush, IconPhoto, IconSchool, IconShieldLock } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { generate } from '../../commands/generate.ts';
import { finishWelcome } from '../../commands/start.ts';
import { useDraft } from '../../stores/document.ts';
import { attempt } from '../../stores/notices.ts';
import { openDialog } from '../../stores/view.ts';
import { Button } from '../../ui/buttons.tsx';
import { Dialog } from '../../ui/Dialog.tsx';

const POINTS = [
  { icon: IconPhoto, key: 'create' },
  { icon: IconBrush, key: 'edit' },
  { icon: IconSchool, key: 'train' },
  { icon: IconShieldLock, key: 'private' },
] as const;

export function WelcomeDialog() {
  const { t } = useTranslation();
  const checkpoint = useDraft('checkpoint');
  const prompt = useDraft('prompt');
  const close = () => void attempt(finishWelcome);
  const first = () => void attempt(finishWelcome).then(() => generate());
  return (
    <Dialog title={t('welcome')} closeLabel={t('close')} onClose={close} width={560}>
      <div className="stack">
        <ul className="welcome">
          {POINTS.map(({ icon: Icon, key }) => (
            <li key={key}>
              <Icon size={20} stroke={1.4} aria-hidden />
              <span>{t(`welcome.${key}`)}</span>
            </li>
          ))}
        </ul>
        {checkpoint === null ? (
          <p className="help">{t('welcome.noModel')}</p>
        ) : (
          <p className="card">
            {t('welcome.ready', { model: checkpoint.name })} <em className="dim">“{prompt}”</em>
          </p>
        )}
        <div className="line spread">
          <Button look="quiet" onClick={() => void attempt(finishWelcome).then(() => openDialog('library'))}>
            {t('welcome.models')}
          </Button>
          <span className="line">
            <Button onClick={close}>{t('welcome.look')}</Button>
            <Button look="primary" disabled={checkpoint === null} onClick={first}>
              {t('welcome.first')}
            </Button>
          </span>
        </div>
      </div>
    </Dialog>
  );
}
