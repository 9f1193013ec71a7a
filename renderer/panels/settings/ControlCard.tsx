/** ControlNet: the sketch or a dropped picture, how it is made into a hint, how strongly and when it acts; the hint is always in sight. */
import { useTranslation } from 'react-i18next';
import { fits } from '../../commands/checkpoint.ts';
import { type DraftControl, hintFrom } from '../../document/draft.ts';
import { finishGesture, setDraft, useDraft } from '../../stores/document.ts';
import { useHint } from '../../stores/hint.ts';
import { cardOf, modelsOfType, useModels } from '../../stores/models.ts';
import { SelectField, SliderField, SwitchField } from '../../ui/fields.tsx';
import { ModelField } from './ModelField.tsx';
import { PreprocessorFields } from './PreprocessorFields.tsx';

/** Whom to obey where prompt and hint disagree. */
const PRIORITIES = ['balanced', 'prompt', 'control'] as const;

export function ControlCard() {
  const { t } = useTranslation();
  const useSketch = useDraft('useSketch');
  const control = useDraft('control');
  const cards = useModels((state) => state.cards);
  const checkpoint = cardOf(cards, useDraft('checkpoint'));
  const nets = modelsOfType(cards, 'controlnet').filter((card) => fits(card, checkpoint));
  const change = (patch: Partial<DraftControl>) => setDraft({ control: { ...control, ...patch } }, 'control');
  return (
    <section className="card stack" style={{ gap: 10 }} aria-label="ControlNet">
      <SwitchField
        label={t('control.use')}
        checked={useSketch}
        onChange={(on) => setDraft({ useSketch: on })}
      />
      {useSketch ? (
        <>
          <HintPreview />
          <ModelField
            label={t('control.model')}
            models={nets}
            value={control.model}
            placeholder={nets.length === 0 ? t('control.noModel') : t('choose')}
            onChange={(model) => change({ model })}
          />
          <PreprocessorFields control={control} change={change} />
          <ControlSliders control={control} change={change} />
          <SelectField
            label={t('control.priority')}
            value={control.priority}
            options={PRIORITIES.map((value) => ({ value, label: t(`priority.${value}`) }))}
            onChange={(priority) => change({ priority })}
          />
        </>
      ) : (
        <p className="help">{t('control.off')}</p>
      )}
    </section>
  );
}

function ControlSliders({
  control,
  change,
}: {
  readonly control: DraftControl;
  readonly change: (patch: Partial<DraftControl>) => void;
}) {
  const { t } = useTranslation();
  const shared = { min: 0, step: 0.05, onEnd: finishGesture };
  return (
    <>
      <SliderField
        {...shared}
        label={t('control.weight')}
        value={control.weight}
        max={2}
        shown={control.weight.toFixed(2)}
        onChange={(weight) => change({ weight })}
      />
      <div className="row">
        <SliderField
          {...shared}
          label={t('control.start')}
          value={control.startFraction}
          max={1}
          shown={`${Math.round(control.startFraction * 100)} %`}
          onChange={(startFraction) =>
            change({ startFraction, endFraction: Math.max(startFraction, control.endFraction) })
          }
        />
        <SliderField
          {...shared}
          label={t('control.end')}
          value={control.endFraction}
          max={1}
          shown={`${Math.round(control.endFraction * 100)} %`}
          onChange={(endFraction) =>
            change({ endFraction, startFraction: Math.min(endFraction, control.startFraction) })
          }
        />
      </div>
    </>
  );
}

/** What the model will see, or how to give it something. */
function HintPreview() {
  const { t } = useTranslation();
  const control = useDraft('control');
  const picture = useHint((state) => state.picture);
  const strokes = control.source === 'sketch';
  return (
    <figure className="hint">
      {picture === null ? (
        <span className="empty help">{t('control.noHint')}</span>
      ) : (
        <img src={picture.url} alt={t('control.hintAlt')} draggable={false} />
      )}
      <figcaption className="line spread">
        <span className="help">{t('control.hint')}</span>
        {control.picture === null ? null : (
          <button
            type="button"
            className="link"
            onClick={() => setDraft({ control: hintFrom(control, strokes ? 'picture' : 'sketch') })}
          >
            {t(strokes ? 'control.usePicture' : 'control.useStrokes')}
          </button>
        )}
      </figcaption>
    </figure>
  );
}
