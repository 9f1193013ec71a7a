/** Denoising strength: the slider that says what it will do. */
import { useTranslation } from 'react-i18next';
import { stepsRun, strengthWords } from '../../document/draft.ts';
import { finishGesture, setDraft, useDocumentPart, useDraft } from '../../stores/document.ts';
import { SelectField, SliderField } from '../../ui/fields.tsx';

/** What the masked part starts from, once something is masked. */
export function MaskedContent() {
  const { t } = useTranslation();
  const masked = useDocumentPart(({ mask }) => mask.operations.length > 0);
  const value = useDraft('maskedContent');
  if (!masked) return null;
  return (
    <SelectField
      label={t('maskedContent')}
      value={value}
      options={STARTS.map((start) => ({ value: start, label: t(`masked.${start}`) }))}
      onChange={(maskedContent) => setDraft({ maskedContent })}
    />
  );
}
const STARTS = ['original', 'fill', 'latent noise', 'latent nothing'] as const;

export function StrengthSlider() {
  const { t } = useTranslation();
  const value = useDraft('denoisingStrength');
  const steps = useDraft('steps');
  const rule = useDraft('stepRule');
  const words = t(`strength.${strengthWords(value)}`);
  const help = value === 0 ? words : t('strength.help', { run: stepsRun(steps, value, rule), steps, words });
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
