/** Whose rule turns a denoising strength into steps, and what that means with the numbers of the moment. */
import { useTranslation } from 'react-i18next';
import { STEP_RULES } from '../../../preload/request.ts';
import { stepsRun } from '../../document/draft.ts';
import { setDraft, useDraft } from '../../stores/document.ts';
import { SelectField } from '../../ui/fields.tsx';

/** Stands in for a strength that runs no steps, so that the explanation still tells the rules apart. */
const TYPICAL_STRENGTH = 0.6;

export function StepRuleField() {
  const { t } = useTranslation();
  const stepRule = useDraft('stepRule');
  const steps = useDraft('steps');
  const strength = useDraft('denoisingStrength') || TYPICAL_STRENGTH;
  const run = stepsRun(steps, strength, stepRule);
  return (
    <div>
      <SelectField
        label={t('stepRule')}
        value={stepRule}
        options={STEP_RULES.map((rule) => ({ value: rule, label: t(`stepRule.${rule}`) }))}
        onChange={(rule) => setDraft({ stepRule: rule })}
      />
      <p className="help" style={{ marginTop: 4 }}>
        {t(`stepRule.${stepRule}.help`, { steps, run, strength: strength.toFixed(2) })}
      </p>
    </div>
  );
}
