/** Left panel of Train: name, trigger word, a few settings with sound defaults, and Train / Pause / Resume. */
import { IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { LORA_TARGETS } from '../../../preload/training.ts';
import { pauseTraining, resumeTraining, train } from '../../commands/train.ts';
import { finishGesture, useDocumentPart, useDraft } from '../../stores/document.ts';
import { useQueue } from '../../stores/queue.ts';
import { setTraining, useTraining } from '../../stores/training.ts';
import { Button } from '../../ui/buttons.tsx';
import { NumberField, SelectField, SwitchField, TextField } from '../../ui/fields.tsx';
import { CheckpointCard } from '../settings/CheckpointCard.tsx';

export function TrainSettings() {
  const { t } = useTranslation();
  const { name, triggerWord, samplePrompt, flip } = useDocumentPart(({ training }) => training.settings);
  return (
    <>
      <div className="side-scroll">
        <CheckpointCard />
        <TextField
          label={t('train.name')}
          value={name}
          placeholder={t('train.name.placeholder')}
          onChange={(text) => setTraining({ name: text }, 'name')}
          onEnd={finishGesture}
        />
        <TextField
          label={t('train.trigger')}
          value={triggerWord}
          placeholder={t('train.trigger.placeholder')}
          onChange={(text) => setTraining({ triggerWord: text }, 'trigger')}
          onEnd={finishGesture}
        />
        <TrainNumbers />
        <TextField
          label={t('train.samplePrompt')}
          value={samplePrompt}
          rows={2}
          placeholder={t('train.samplePrompt.placeholder')}
          onChange={(text) => setTraining({ samplePrompt: text }, 'sample prompt')}
          onEnd={finishGesture}
        />
        <SwitchField label={t('train.flip')} checked={flip} onChange={(on) => setTraining({ flip: on })} />
      </div>
      <TrainButtons />
    </>
  );
}

/** Name in the settings, words, least, most, step. */
const NUMBERS = [
  ['steps', 'steps', 1, 100_000, 1],
  ['rank', 'train.rank', 1, 256, 1],
  ['resolution', 'train.resolution', 64, 2048, 64],
  ['learningRate', 'train.learningRate', 0, 1, 'any'],
  ['sampleEvery', 'train.sampleEvery', 0, 100_000, 1],
] as const;

function TrainNumbers() {
  const { t } = useTranslation();
  const settings = useDocumentPart(({ training }) => training.settings);
  const target = settings.targets[0] ?? 'cross-attention';
  return (
    <div className="row">
      {NUMBERS.map(([name, words, min, max, step]) => (
        <NumberField
          key={name}
          label={t(words)}
          {...{ min, max, step }}
          value={settings[name]}
          onChange={(value) => setTraining({ [name]: Number(value) }, name)}
          onEnd={finishGesture}
        />
      ))}
      <SelectField
        label={t('train.targets')}
        value={target}
        options={LORA_TARGETS.map((value) => ({ value, label: t(`target.${value}`) }))}
        onChange={(value) => setTraining({ targets: [value] })}
      />
    </div>
  );
}

function TrainButtons() {
  const { t } = useTranslation();
  const pictures = useDocumentPart(({ training }) => training.pictures.length);
  const name = useDocumentPart(({ training }) => training.settings.name);
  const jobId = useTraining((state) => state.jobId);
  const state = useQueue(({ jobs }) => jobs.find(({ id }) => id === jobId)?.state);
  const checkpoint = useDraft('checkpoint');
  const missing =
    checkpoint === null
      ? 'train.needs.checkpoint'
      : pictures === 0
        ? 'train.needs.pictures'
        : name.trim() === ''
          ? 'train.needs.name'
          : null;
  const resumable = state === 'paused' || state === 'interrupted' || state === 'failed';
  return (
    <div className="go">
      <div className="fit">
        <span>{missing === null ? t('train.ready', { count: pictures }) : t(missing)}</span>
      </div>
      <div className="line">
        <button
          type="button"
          className="button generate"
          data-look="primary"
          disabled={missing !== null || state === 'running' || state === 'queued'}
          onClick={() => void train()}
        >
          {t('train')}
        </button>
        <Button icon={IconPlayerPause} disabled={state !== 'running'} onClick={() => void pauseTraining()}>
          {t('pause')}
        </Button>
        <Button icon={IconPlayerPlay} disabled={!resumable} onClick={() => void resumeTraining()}>
          {t('resume')}
        </Button>
      </div>
    </div>
  );
}
