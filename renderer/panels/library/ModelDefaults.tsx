/** The settings that a model starts with: choosing it brings them along. */
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { ModelCard } from '../../../preload/models.ts';
import { draftAsDefaults } from '../../commands/checkpoint.ts';
import { SCHEDULE_LABELS, samplerLabel } from '../../request/samplers.ts';
import { attempt } from '../../stores/notices.ts';
import { studio } from '../../stores/studio.ts';
import { Button } from '../../ui/buttons.tsx';
import { SliderField } from '../../ui/fields.tsx';

type Defaults = ModelCard['defaults'];

export function ModelDefaults({ card: { id, type, defaults } }: { readonly card: ModelCard }) {
  const { t } = useTranslation();
  const save = (next: Defaults) =>
    void attempt(() => studio().models.update({ id, patch: { defaults: next } }));
  if (type === 'lora')
    return (
      <SliderField
        label={t('model.weight')}
        value={defaults.weight ?? 1}
        min={-2}
        max={2}
        step={0.05}
        shown={(defaults.weight ?? 1).toFixed(2)}
        onChange={(weight) => save({ ...defaults, weight })}
      />
    );
  if (type !== 'checkpoint') return null;
  const told = toldBy(defaults, t);
  return (
    <section>
      <p className="field-label">
        <span>{t('model.defaults')}</span>
        <Button size="small" look="quiet" onClick={() => save(draftAsDefaults())}>
          {t('model.keepDraft')}
        </Button>
      </p>
      <p className="help">{told === '' ? t('model.noDefaults') : told}</p>
    </section>
  );
}

/** "20 steps · CFG scale 4 · DPM++ 2M · 128 × 128": what is set of the defaults. */
function toldBy(
  { steps, guidanceScale, sampler, schedule, width, height, clipSkip }: Defaults,
  t: TFunction,
): string {
  return [
    steps === undefined ? '' : t('queue.steps', { count: steps }),
    guidanceScale === undefined ? '' : `${t('guidanceScale')} ${guidanceScale}`,
    sampler === undefined ? '' : samplerLabel(sampler),
    schedule === undefined ? '' : SCHEDULE_LABELS[schedule],
    width === undefined || height === undefined ? '' : `${width} × ${height}`,
    clipSkip === undefined || clipSkip === 1 ? '' : `${t('clipSkip')} ${clipSkip}`,
  ]
    .filter((part) => part !== '')
    .join(' · ');
}
