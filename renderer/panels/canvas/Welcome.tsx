/** The first page ever seen: what this is, what is ready, and the way to the first picture. It blocks nothing. */
import { IconBrush, IconPhoto, IconSchool, IconShieldLock } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { finishWelcome } from '../../lifecycle/start.ts';
import { setDraft, useDraft } from '../../stores/document.ts';
import { cardOf, useModels } from '../../stores/models.ts';
import { attempt } from '../../stores/notices.ts';
import { useStudio } from '../../stores/studio.ts';
import { openDialog } from '../../stores/view.ts';
import { Button } from '../../ui/buttons.tsx';

const POINTS = [
  { icon: IconPhoto, key: 'create' },
  { icon: IconBrush, key: 'edit' },
  { icon: IconSchool, key: 'train' },
  { icon: IconShieldLock, key: 'private' },
] as const;

/** Prompts of the starter's little world, one for each kind of thing it knows. */
const PROMPTS = [
  'a red boat on the sea at sunset',
  'a green cactus in the desert at noon',
  'a white rocket over the city at night',
  'a yellow house on a snowy field at dawn',
] as const;

/** True while the starter checkpoint is the chosen one: it knows its own little world only. */
function useStarter(): boolean {
  const cards = useModels((state) => state.cards);
  const card = cardOf(cards, useDraft('checkpoint'));
  return useStudio(({ info }) => card !== undefined && info?.starterCheckpoint === card.id);
}

function FirstPrompts() {
  const { t } = useTranslation();
  const prompt = useDraft('prompt');
  return (
    <fieldset className="chips first-prompts" aria-label={t('welcome.try')}>
      {PROMPTS.map((words) => (
        <button
          key={words}
          type="button"
          className="chip"
          aria-pressed={prompt === words}
          onClick={() => setDraft({ prompt: words })}
        >
          {words}
        </button>
      ))}
    </fieldset>
  );
}

/** Nothing is said about models before the library has been read. */
function Readiness() {
  const { t } = useTranslation();
  const checkpoint = useDraft('checkpoint');
  const read = useModels(({ loaded, scan }) => loaded && scan === null);
  if (checkpoint === null && !read) return null;
  return <p className="dim">{checkpoint === null ? t('welcome.noModel') : t('welcome.ready')}</p>;
}

export function Welcome() {
  const { t } = useTranslation();
  const starter = useStarter();
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
      {starter ? <FirstPrompts /> : null}
      <Readiness />
      <div className="line">
        <Button look="quiet" onClick={() => openDialog('library')}>
          {t('welcome.models')}
        </Button>
        <Button onClick={finish}>{t('welcome.look')}</Button>
      </div>
    </section>
  );
}
