/** The preprocessor and the numbers that it takes. */
import { useTranslation } from 'react-i18next';
import { PREPROCESSORS } from '../../../preload/request.ts';
import type { DraftControl } from '../../document/draft.ts';
import { finishGesture } from '../../stores/document.ts';
import { useHint } from '../../stores/hint.ts';
import { SelectField, SliderField, SwitchField } from '../../ui/fields.tsx';

/** Begins the name of a preprocessor that the user put into the data folder. */
const OWN = 'onnx:';

type Option = ReturnType<typeof useHint.getState>['preprocessors'][number]['options'][number];

export function PreprocessorFields({
  control,
  change,
}: {
  readonly control: DraftControl;
  readonly change: (patch: Partial<DraftControl>) => void;
}) {
  const { t } = useTranslation();
  const { preprocessor, preprocessorOptions } = control;
  const known = useHint(({ preprocessors }) => preprocessors);
  const options = known.find(({ name }) => name === preprocessor);
  const own = known.filter(({ name }) => name.startsWith(OWN));
  return (
    <>
      <SelectField
        label={t('control.preprocessor')}
        value={preprocessor}
        options={[
          ...PREPROCESSORS.map((value) => ({ value, label: t(`preprocessor.${value}`) })),
          ...own.map(({ name: value }) => ({ value, label: value.slice(OWN.length) })),
        ]}
        onChange={(next) => change({ preprocessor: next, preprocessorOptions: {} })}
      />
      {options?.options.map((option) => (
        <OptionField
          key={option.name}
          option={option}
          value={preprocessorOptions[option.name] ?? option.default}
          onChange={(value) =>
            change({ preprocessorOptions: { ...preprocessorOptions, [option.name]: value } })
          }
        />
      ))}
    </>
  );
}

/** Names of what `source` counts through. */
const SOURCES = ['0', '1', '2'] as const;

function OptionField({
  option: { name, min, max, step },
  value,
  onChange,
}: {
  readonly option: Option;
  readonly value: number;
  readonly onChange: (value: number) => void;
}) {
  const { t } = useTranslation();
  const label = t(`option.${name}`);
  if (name === 'source')
    return (
      <SelectField
        label={label}
        value={String(value)}
        options={SOURCES.map((which) => ({ value: which, label: t(`source.${which}`) }))}
        onChange={(which) => onChange(Number(which))}
      />
    );
  if (min === 0 && max === 1 && step === 1)
    return <SwitchField label={label} checked={value === 1} onChange={(on) => onChange(on ? 1 : 0)} />;
  return <SliderField {...{ label, value, min, max, step, onChange }} onEnd={finishGesture} />;
}
