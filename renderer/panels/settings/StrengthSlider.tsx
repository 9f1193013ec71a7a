/** Denoising strength: the slider that says what it will do. */
import { useTranslation } from 'react-i18next';
import { stepsRun, strengthWords } from '../../document/draft.ts';
import { finishGesture, setDraft, useDraft } from '../../stores/document.ts';
import { SliderField } from '../../ui/fields.tsx';

export function StrengthSlider() {
  const { t } = useTranslation();
  const value = useDraft('denoisingStrength');
  const steps = useDraft('steps');
  const words = t(`strength.${strengthWords(value)}`);
  const help = value === 0 ? words : t('strength.help', { run: stepsRun(steps, value), steps, words });
  return (
    <SliderField
      label={t('strength')}
      value={value}
      min={0}
      max={1}
      step={0.01}
      shown={value.toFixed(2)}
      valueText={`${value.toFixed(2)}, ${help}`}
      help={help}
      onChange={(denoisingStrength) => setDraft({ denoisingStrength }, 'strength')}
      onEnd={finishGesture}
    />
  );
}
