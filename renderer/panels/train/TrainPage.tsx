/** The middle of Train: the pictures with their captions, the loss curve, samples on the way. */
import { IconCircleCheck, IconPhotoPlus, IconX } from '@tabler/icons-react';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { addLora, addTrigger } from '../../commands/checkpoint.ts';
import { useImageUrl } from '../../commands/imageUrl.ts';
import { findTraining } from '../../commands/train.ts';
import { PICTURE_LIMIT, type TrainingPicture } from '../../document/training.ts';
import { finishGesture, perform, useDocumentPart } from '../../stores/document.ts';
import { useModels } from '../../stores/models.ts';
import { useQueue } from '../../stores/queue.ts';
import { addTrainingPictures, useTraining } from '../../stores/training.ts';
import { setMode } from '../../stores/view.ts';
import { Button, IconButton } from '../../ui/buttons.tsx';
import { FileButton } from '../../ui/FileButton.tsx';
import { LossChart } from './LossChart.tsx';

export function TrainPage() {
  const { t } = useTranslation();
  const pictures = useDocumentPart(({ training }) => training.pictures);
  const jobId = useTraining((state) => state.jobId);
  useEffect(() => void findTraining(), []);
  return (
    <div className="train-page">
      <section className="train-pictures" aria-label={t('train.pictures')}>
        <div className="line spread">
          <h2>{t('train.pictures')}</h2>
          <span className="line">
            <span className="help">
              {pictures.length} / {PICTURE_LIMIT}
            </span>
            <FileButton
              label={t('train.add')}
              icon={IconPhotoPlus}
              accept="image/*,.txt,.caption"
              multiple
              onFiles={(files) => void addTrainingPictures(files)}
            />
          </span>
        </div>
        {pictures.length === 0 ? <TrainEmpty /> : null}
        <ul className="train-grid">
          {pictures.map((picture) => (
            <TrainingCard key={picture.id} picture={picture} />
          ))}
        </ul>
      </section>
      {jobId === null ? null : <TrainRun />}
    </div>
  );
}

function TrainEmpty() {
  const { t } = useTranslation();
  return (
    <div className="empty train-empty">
      <IconPhotoPlus size={28} stroke={1.2} aria-hidden />
      <strong>{t('train.empty')}</strong>
      <span>{t('train.empty.help')}</span>
    </div>
  );
}

function TrainingCard({ picture: { id, image, caption } }: { readonly picture: TrainingPicture }) {
  const { t } = useTranslation();
  const url = useImageUrl(image);
  return (
    <li className="train-card">
      {url === null ? <span className="train-blank" /> : <img src={url} alt="" draggable={false} />}
      <IconButton
        size="small"
        icon={IconX}
        label={t('train.remove')}
        onClick={() => perform({ type: 'training picture removed', id })}
      />
      <textarea
        className="input"
        rows={2}
        aria-label={t('train.caption')}
        placeholder={t('train.caption.placeholder')}
        value={caption}
        onChange={({ currentTarget }) =>
          perform({ type: 'training picture captioned', id, caption: currentTarget.value }, `caption ${id}`)
        }
        onBlur={finishGesture}
      />
    </li>
  );
}

/** What came out, one click from being used. */
function TrainedModel() {
  const { t } = useTranslation();
  const jobId = useTraining((state) => state.jobId);
  const modelId = useQueue(({ jobs }) => jobs.find(({ id }) => id === jobId)?.modelId ?? null);
  const card = useModels(({ cards }) => cards.find(({ id }) => id === modelId));
  if (card === undefined) return null;
  const use = () => {
    addLora(card);
    for (const word of card.triggers.slice(0, 1)) addTrigger(word);
    setMode('create');
  };
  return (
    <div className="line card">
      <IconCircleCheck size={17} stroke={1.6} className="good" aria-hidden />
      <span className="grow">{t('train.done', { name: card.name })}</span>
      <Button size="small" look="primary" onClick={use}>
        {t('train.use')}
      </Button>
    </div>
  );
}

function TrainRun() {
  const { t } = useTranslation();
  const losses = useTraining((state) => state.losses);
  const samples = useTraining((state) => state.samples);
  const last = losses.at(-1);
  return (
    <section className="train-run" aria-label={t('train.run')}>
      <div className="line spread">
        <h2>{t('train.run')}</h2>
        <span className="help">
          {last === undefined
            ? t('train.waiting')
            : t('train.at', { step: last.step, loss: last.loss.toFixed(4) })}
        </span>
      </div>
      <TrainedModel />
      <LossChart losses={losses} label={t('loss')} />
      <ol className="samples" aria-label={t('train.samples')}>
        {samples.map(({ step, url }) => (
          <li key={step}>
            <img src={url} alt={t('train.sample', { step })} />
            <span className="help">{step}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
