/** Parameter sweeps: two axes of values, a grid of pictures with one seed. */
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { startSweep } from '../../commands/sweep.ts';
import {
  parseValues,
  SWEEP_EXAMPLES,
  SWEEP_LIMIT,
  SWEEP_PARAMETERS,
  type SweepParameter,
} from '../../request/sweep.ts';
import { useSweep } from '../../stores/sweep.ts';
import { Button } from '../../ui/buttons.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { SelectField, TextField } from '../../ui/fields.tsx';
import { SweepGrid } from './SweepGrid.tsx';

interface Axis {
  readonly parameter: SweepParameter | '';
  readonly text: string;
}

const axisOf = (parameter: SweepParameter | ''): Axis => ({
  parameter,
  text: parameter === '' ? '' : SWEEP_EXAMPLES[parameter],
});

const valuesOf = ({ parameter, text }: Axis): string[] =>
  parameter === '' ? [] : parseValues(parameter, text);

export function SweepDialog({ onClose }: { readonly onClose: () => void }) {
  const { t } = useTranslation();
  const [x, setX] = useState<Axis>(axisOf('guidanceScale'));
  const [y, setY] = useState<Axis>(axisOf('steps'));
  const [columns, rows] = [valuesOf(x), valuesOf(y)];
  const sending = useSweep((state) => state.sending);
  const count = columns.length * Math.max(rows.length, 1);
  const start = () =>
    void startSweep(
      { parameter: x.parameter as SweepParameter, values: columns },
      y.parameter === '' || rows.length === 0 ? null : { parameter: y.parameter, values: rows },
    );
  return (
    <Dialog title={t('sweep')} closeLabel={t('close')} onClose={onClose} width={900}>
      <div className="stack">
        <div className="row">
          <AxisFields label={t('sweep.x')} axis={x} onChange={setX} />
          <AxisFields label={t('sweep.y')} axis={y} onChange={setY} optional />
        </div>
        <div className="line spread">
          <span className="help">
            {count > SWEEP_LIMIT ? t('sweep.tooMany', { limit: SWEEP_LIMIT }) : t('sweep.count', { count })}
          </span>
          <Button look="primary" disabled={count === 0 || count > SWEEP_LIMIT || sending} onClick={start}>
            {t('sweep.start')}
          </Button>
        </div>
        <SweepGrid />
      </div>
    </Dialog>
  );
}

function AxisFields({
  label,
  axis,
  onChange,
  optional = false,
}: {
  readonly label: string;
  readonly axis: Axis;
  readonly onChange: (axis: Axis) => void;
  readonly optional?: boolean;
}) {
  const { t } = useTranslation();
  return (
    <fieldset className="stack" data-gap="small">
      <SelectField
        label={label}
        value={axis.parameter}
        {...(optional ? { placeholder: t('sweep.none') } : {})}
        options={SWEEP_PARAMETERS.map((value) => ({ value, label: t(`sweep.${value}`) }))}
        onChange={(parameter) => onChange(axisOf(parameter))}
      />
      <TextField
        label={t('sweep.values', { axis: label })}
        aside={String(valuesOf(axis).length)}
        value={axis.text}
        onChange={(text) => onChange({ ...axis, text })}
      />
    </fieldset>
  );
}
