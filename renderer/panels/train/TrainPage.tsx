/** The middle of Train: the pictures with their captions, the loss curve, samples on the way. */
import { IconPhotoPlus, IconX } from '@tabler/icons-react';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { findTraining } from '../../commands/train.ts';
import {
  addTrainingPictures,
  PICTURE_LIMIT,
  removeTrainingPicture,
  setCaption,
  type TrainingPicture,
  useTraining,
} from '../../stores/training.ts';
import { IconButton } from '../../ui/buttons.tsx';
import { FileButton } from '../../ui/FileButton.tsx';
import { LossChart } from './LossChart.tsx';

export function TrainPage() {
  const { t } = useTranslation();
  const pictures = useTraining((state) => state.pictures);
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

function TrainingCard({ picture }: { readonly picture: TrainingPicture }) {
  const { t } = useTranslation();
  return (
    <li className="train-card">
      <img src={picture.url} alt="" draggable={false} />
      <IconButton
        size="small"
        icon={IconX}
        label={t('train.remove')}
        onClick={() => removeTrainingPicture(picture.id)}
      />
      <textarea
        className="input"
        rows={2}
        aria-label={t('train.caption')}
        placeholder={t('train.caption.placeholder')}
        value={picture.caption}
        onChange={({ currentTarget }) => setCaption(picture.id, currentTarget.value)}
      />
    </li>
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
