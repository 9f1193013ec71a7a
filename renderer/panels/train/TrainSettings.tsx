/** Left panel of Train: name, trigger word, a few settings with sound defaults, and Train / Pause / Resume. */
import { IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { LORA_TARGETS } from '../../../preload/training.ts';
import { pauseTraining, resumeTraining, train } from '../../commands/train.ts';
import { useDraft } from '../../stores/document.ts';
import { useQueue } from '../../stores/queue.ts';
import { setTraining, useTraining } from '../../stores/training.ts';
import { Button } from '../../ui/buttons.tsx';
import { NumberField, SelectField, SwitchField, TextField } from '../../ui/fields.tsx';
import { CheckpointCard } from '../settings/CheckpointCard.tsx';

export function TrainSettings() {
  const { t } = useTranslation();
  const settings = useTraining((state) => state.settings);
  const target = settings.targets[0] ?? 'cross-attention';
  return (
    <>
      <div className="side-scroll">
        <CheckpointCard />
        <TextField
          label={t('train.name')}
          value={settings.name}
          placeholder={t('train.name.placeholder')}
          onChange={(name) => setTraining({ name })}
        />
        <TextField
          label={t('train.trigger')}
          value={settings.triggerWord}
          placeholder={t('train.trigger.placeholder')}
          onChange={(triggerWord) => setTraining({ triggerWord })}
        />
        <div className="row">
          <NumberField
            label={t('steps')}
            value={settings.steps}
            min={1}
            max={100000}
            onChange={(value) => setTraining({ steps: Number(value) })}
          />
          <NumberField
            label={t('train.rank')}
            value={settings.rank}
            min={1}
            max={256}
            onChange={(value) => setTraining({ rank: Number(value) })}
          />
          <NumberField
            label={t('train.resolution')}
            value={settings.resolution}
            min={64}
            max={2048}
            step={64}
            onChange={(value) => setTraining({ resolution: Number(value) })}
          />
          <NumberField
            label={t('train.learningRate')}
            value={settings.learningRate}
            min={0}
            max={1}
            step="any"
            onChange={(value) => setTraining({ learningRate: Number(value) })}
          />
          <NumberField
            label={t('train.sampleEvery')}
            value={settings.sampleEvery}
            min={0}
            max={100000}
            onChange={(value) => setTraining({ sampleEvery: Number(value) })}
          />
          <SelectField
            label={t('train.targets')}
            value={target}
            options={LORA_TARGETS.map((value) => ({ value, label: t(`target.${value}`) }))}
            onChange={(value) => setTraining({ targets: [value as typeof target] })}
          />
        </div>
        <TextField
          label={t('train.samplePrompt')}
          value={settings.samplePrompt}
          rows={2}
          placeholder={t('train.samplePrompt.placeholder')}
          onChange={(samplePrompt) => setTraining({ samplePrompt })}
        />
        <SwitchField
          label={t('train.flip')}
          checked={settings.flip}
          onChange={(flip) => setTraining({ flip })}
        />
      </div>
      <TrainButtons />
    </>
  );
}

function TrainButtons() {
  const { t } = useTranslation();
  const pictures = useTraining((state) => state.pictures.length);
  const name = useTraining((state) => state.settings.name);
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
