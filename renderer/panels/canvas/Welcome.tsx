/** The first page ever seen: what this is, what is ready, and the way to the first picture. It blocks nothing. */
import { IconBrush, IconPhoto, IconSchool, IconShieldLock } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { finishWelcome } from '../../lifecycle/start.ts';
import { useDraft } from '../../stores/document.ts';
import { attempt } from '../../stores/notices.ts';
import { openDialog } from '../../stores/view.ts';
import { Button } from '../../ui/buttons.tsx';

const POINTS = [
  { icon: IconPhoto, key: 'create' },
  { icon: IconBrush, key: 'edit' },
  { icon: IconSchool, key: 'train' },
  { icon: IconShieldLock, key: 'private' },
] as const;

export function Welcome() {
  const { t } = useTranslation();
  const checkpoint = useDraft('checkpoint');
  const finish = () => void attempt(finishWelcome);
  return (
    <section className="welcome" aria-labelledby="welcome">
      <h2 id="welcome">{t('welcome')}</h2>
      <ul>
        {POINTS.map(({ icon: Icon, key }) => (
          <li key={key}>
            <Icon size={20} stroke={1.4} aria-hidden />
            <span>{t(`welcome.${key}`)}</span>
          </li>
        ))}
      </ul>
      <p className="dim">{checkpoint === null ? t('welcome.noModel') : t('welcome.ready')}</p>
      <div className="line">
        <Button look="quiet" onClick={() => openDialog('library')}>
          {t('welcome.models')}
        </Button>
        <Button onClick={finish}>{t('welcome.look')}</Button>
      </div>
    </section>
  );
}
