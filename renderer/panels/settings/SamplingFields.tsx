/** Size, steps, sampler, schedule, CFG, seed, batch; and the rarer ones folded away. */
import { IconArrowsExchange, IconDice5 } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { SAMPLERS, SCHEDULES } from '../../../preload/request.ts';
import type { Draft } from '../../document/draft.ts';
import { told } from '../../i18n/told.ts';
import { seedFrom } from '../../request/build.ts';
import { SCHEDULE_LABELS, samplerLabel } from '../../request/samplers.ts';
import { finishGesture, setDraft, useDraft } from '../../stores/document.ts';
import { modelsOfType, useModels } from '../../stores/models.ts';
import { speedRemark, useQueue } from '../../stores/queue.ts';
import { Hint, IconButton } from '../../ui/buttons.tsx';
import { NumberField, SelectField, SliderField, SwitchField } from '../../ui/fields.tsx';
import { ModelField } from './ModelField.tsx';
import { StepRuleField } from './StepRuleField.tsx';

const SAMPLER_OPTIONS = SAMPLERS.map((value) => ({ value, label: samplerLabel(value) }));
const SCHEDULE_OPTIONS = SCHEDULES.map((value) => ({ value, label: SCHEDULE_LABELS[value] }));

type NumberKey = 'width' | 'height' | 'steps' | 'guidanceScale' | 'batch' | 'clipSkip';

function DraftNumber({
  name,
  label,
  min,
  max,
  step,
}: {
  name: NumberKey;
  label: string;
  min: number;
  max: number;
  step?: number;
}) {
  const value = useDraft(name);
  return (
    <NumberField
      {...{ label, min, max, value, step: step ?? 1 }}
      onChange={(text) => setDraft({ [name]: Number(text) } as Partial<Draft>, name)}
      onEnd={finishGesture}
    />
  );
}

export function SamplingFields() {
  const { t } = useTranslation();
  const sampler = useDraft('sampler');
  const schedule = useDraft('schedule');
  return (
    <div className="stack" style={{ gap: 10 }}>
      <SizeFields />
      <div className="steps-row">
        <DraftNumber name="steps" label={t('steps')} min={1} max={1000} />
        <DraftNumber name="guidanceScale" label={t('guidanceScale')} min={0} max={100} step={0.5} />
        <SeedField />
      </div>
      <div className="row">
        <SelectField
          label={t('sampler')}
          value={sampler}
          options={SAMPLER_OPTIONS}
          onChange={(chosen) => setDraft({ sampler: chosen })}
        />
        <SelectField
          label={t('schedule')}
          value={schedule}
          options={SCHEDULE_OPTIONS}
          onChange={(chosen) => setDraft({ schedule: chosen })}
        />
      </div>
    </div>
  );
}

function SizeFields() {
  const { t } = useTranslation();
  const width = useDraft('width');
  const height = useDraft('height');
  return (
    <div className="size-row">
      <DraftNumber name="width" label={t('width')} min={64} max={4096} step={8} />
      <IconButton
        icon={IconArrowsExchange}
        label={t('size.swap')}
        onClick={() => setDraft({ width: height, height: width })}
      />
      <DraftNumber name="height" label={t('height')} min={64} max={4096} step={8} />
      <DraftNumber name="batch" label={t('batch')} min={1} max={64} />
    </div>
  );
}

function SeedField() {
  const { t } = useTranslation();
  const seed = useDraft('seed');
  const freshSeed = useDraft('freshSeed');
  return (
    <NumberField
      label={t('seed')}
      aside={freshSeed ? t('seed.fresh') : t('seed.kept')}
      value={seed}
      min={0}
      onChange={(text) =>
        setDraft({ seed: text.replace(/\D/g, '').slice(0, 20) || '0', freshSeed: false }, 'seed')
      }
      onEnd={finishGesture}
    >
      <Hint label={freshSeed ? t('seed.random') : t('seed.randomAgain')}>
        <button
          type="button"
          className="icon-button"
          aria-label={t('seed.random')}
          aria-pressed={freshSeed}
          onClick={() =>
            setDraft(freshSeed ? { freshSeed: false } : { freshSeed: true, seed: seedFrom(Math.random()) })
          }
        >
          <IconDice5 size={16} stroke={1.6} />
        </button>
      </Hint>
    </NumberField>
  );
}

type ChoiceKey = 'rng' | 'emphasis' | 'speed' | 'batchSeeds';

/** A setting with a few named values. */
function DraftChoice({
  name,
  options,
}: {
  readonly name: ChoiceKey;
  readonly options: Readonly<Record<string, string>>;
}) {
  const { t } = useTranslation();
  return (
    <SelectField
      label={t(name)}
      value={useDraft(name)}
      options={Object.entries(options).map(([value, label]) => ({ value, label }))}
      onChange={(value) =>
        setDraft({ [name]: value, ...(name === 'speed' && { shortcuts: undefined }) } as Partial<Draft>)
      }
    />
  );
}

/** What one sets rarely: VAE, clip skip, whose noise and emphasis, hires fix, quick modes. */
export function RareFields() {
  const { t } = useTranslation();
  const secondPass = useDraft('secondPass');
  return (
    <details className="rare">
      <summary>{t('more')}</summary>
      <div className="stack" style={{ gap: 10, paddingTop: 10 }}>
        <div className="row">
          <VaeField />
          <DraftNumber name="clipSkip" label={t('clipSkip')} min={1} max={12} />
          <DraftChoice name="rng" options={{ cpu: 'CPU (ComfyUI)', nv: 'NV (A1111)' }} />
          <DraftChoice name="emphasis" options={{ comfy: 'ComfyUI', a1111: 'A1111' }} />
          <DraftChoice
            name="speed"
            options={{ exact: t('speed.exact'), fast: t('speed.fast'), draft: t('speed.draft') }}
          />
          <DraftChoice
            name="batchSeeds"
            options={{ increment: t('batchSeeds.increment'), batch: t('batchSeeds.batch') }}
          />
        </div>
        <SpeedHelp />
        <StepRuleField />
        <SwitchField
          label={t('secondPass')}
          help={t('secondPass.help')}
          checked={secondPass.on}
          onChange={(on) => setDraft({ secondPass: { ...secondPass, on } })}
        />
        {secondPass.on ? <SecondPassFields /> : null}
      </div>
    </details>
  );
}

/** What the speed costs, in a line; and why the last picture did without its faster products. */
function SpeedHelp() {
  const { t } = useTranslation();
  const speed = useDraft('speed');
  const remark = useQueue((queue) => speedRemark(queue, speed));
  const isOwn = useDraft('shortcuts') !== undefined;
  if (isOwn) return <p className="help">{t('speed.own.help')}</p>;
  if (speed === 'exact') return null;
  return (
    <>
      <p className="help">{t(`speed.${speed}.help`)}</p>
      {remark === undefined ? null : <p className="help warning">{told(remark)}</p>}
    </>
  );
}

function VaeField() {
  const { t } = useTranslation();
  const vae = useDraft('vae');
  const vaes = modelsOfType(
    useModels((state) => state.cards),
    'vae',
  );
  return (
    <ModelField
      label="VAE"
      models={vaes}
      value={vae}
      placeholder={t('vae.own')}
      onChange={(model) => setDraft({ vae: model })}
    />
  );
}

function SecondPassFields() {
  const { t } = useTranslation();
  const secondPass = useDraft('secondPass');
  const upscalers = modelsOfType(
    useModels((state) => state.cards),
    'upscaler',
  );
  const change = (patch: Partial<typeof secondPass>) =>
    setDraft({ secondPass: { ...secondPass, ...patch } }, 'second pass');
  return (
    <>
      <ModelField
        label={t('secondPass.how')}
        models={upscalers}
        value={secondPass.upscaler}
        placeholder={t('secondPass.latent')}
        onChange={(upscaler) => change({ upscaler })}
      />
      <SliderField
        label={t('secondPass.scale')}
        value={secondPass.scale}
        min={1}
        max={4}
        step={0.25}
        shown={`× ${secondPass.scale}`}
        onChange={(scale) => change({ scale })}
        onEnd={finishGesture}
      />
      <SliderField
        label={t('secondPass.strength')}
        value={secondPass.denoisingStrength}
        min={0}
        max={1}
        step={0.05}
        shown={secondPass.denoisingStrength.toFixed(2)}
        onChange={(denoisingStrength) => change({ denoisingStrength })}
        onEnd={finishGesture}
      />
    </>
  );
}
